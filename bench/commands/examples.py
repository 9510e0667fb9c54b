"""How a command's ``--help`` ends: with command lines that work."""


def examples(*lines: str) -> str:
    r"""An epilog that click does not wrap (``\b`` says so)."""
    word = "Example" if len(lines) == 1 else "Examples"
    return "\n".join(["\b", f"{word}:", *(f"  {line}" for line in lines)])
