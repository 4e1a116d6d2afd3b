"""Which part of the sandbox answers which address."""

from collections.abc import Awaitable

from sandbox.botapi.api import Api
from sandbox.control.door import Door
from sandbox.deepseek import api as deepseek
from sandbox.drand import Drand
from sandbox.http import Handler, Request, Response
from sandbox.pages import Pages
from sandbox.partner import api as partner
from sandbox.partner.pages import PartnerPages
from sandbox.pingpong import api as pingpong
from sandbox.pingpong.pages import PayPages
from sandbox.world import World
from sandbox.yuanfenju import api as yuanfenju


class App:
    """All doors by the beginning of the path. Another service of the outside world is one more package and line."""

    def __init__(self, world: World) -> None:
        api, pages = Api(world), Pages(world)
        pay = PayPages(world.desk, pages.render)
        shown = PartnerPages(world.partners, pages.render)
        self._mounts: tuple[tuple[str, Handler], ...] = (
            ("/bot", self._bot_or_page(api, pages)),
            ("/control/", Door(world).handle),
            ("/drand/", Drand(world.relays, world.clock).handle),
            ("/file/bot", api.handle_file),
            ("/pay/", pay.handle),
            ("/partner/", self._credits_or_page(partner.Api(world.partners, world.clock), shown)),
            ("/yuanfenju/", yuanfenju.Api(world.yuanfenju).handle),
            ("/deepseek/", deepseek.Api(world.deepseek, world.clock).handle),
            ("/pingpong/", pingpong.Api(world.desk).handle),
            ("/", pages.handle),
        )

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """One request."""
        path = request.path
        for prefix, handler in self._mounts:
            if path.startswith(prefix):
                return handler(request)
        return Response(b"Bad Request", 400, "text/plain")

    @staticmethod
    def _bot_or_page(api: Api, pages: Pages) -> Handler:
        """A token follows /bot at once; /botfather is a page."""

        def handle(request: Request) -> Response | Awaitable[Response]:
            return pages.handle(request) if request.path == "/botfather" else api.handle(request)

        return handle

    @staticmethod
    def _credits_or_page(api: partner.Api, pages: PartnerPages) -> Handler:
        """Batches come to /partner/<name>/credits; the rest is for people."""

        def handle(request: Request) -> Response | Awaitable[Response]:
            return api.handle(request) if request.path.endswith("/credits") else pages.handle(request)

        return handle
