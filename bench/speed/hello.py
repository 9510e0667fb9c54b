"""What the front is held against: the smallest server that Tornado's documentation shows, answering a POST.

python -m bench.speed.hello PORT
"""

import asyncio
import sys

from tornado.web import Application, RequestHandler


class Hello(RequestHandler):
    """Takes a body and says hello."""

    def get(self) -> None:
        self.write("Hello, world")

    def post(self) -> None:
        self.write("Hello, world")


async def main(port: int) -> None:
    """Serve on loopback until SIGTERM ends the process."""
    Application([(r"/.*", Hello)]).listen(port, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
