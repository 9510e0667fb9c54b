"""The commands of ``brokerbench``: one file each, which turns arguments into settings and hands them on."""
