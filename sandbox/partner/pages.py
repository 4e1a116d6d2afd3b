"""The partner's page: what arrived, what it adds up to, and buttons for bad days."""

from datetime import UTC, datetime
from urllib.parse import quote

from sandbox.http import Request, Response
from sandbox.params import BadParams, read_params
from sandbox.partner.book import Partner
from sandbox.partner.service import Service
from sandbox.pingpong.pages import Render

MODES = ("ok", "cut", "lost", "503", "html", "401", "410")
SHOWN = 200
FIELDS = {"key_id": 40, "secret_key": 200}


class PartnerPages:
    """/partner/<name>, its form at …/keys and its buttons at …/mode."""

    def __init__(self, service: Service, render: Render) -> None:
        self._service = service
        self._render = render

    def handle(self, request: Request) -> Response:
        """The page, or what its form and buttons do."""
        name, _, what = request.path.removeprefix("/partner/").partition("/")
        partner = self._service.partners.get(name)
        if partner is None:
            return self._render(request, "not_found.html", status=404)
        if request.method == "POST" and what in {"keys", "mode"}:
            return self._press(request, partner, what)
        if what or request.method not in {"GET", "HEAD"}:
            return self._render(request, "not_found.html", status=404)
        host = request.headers.get("host", "127.0.0.1:8081")
        return self._render(
            request, "partner.html", partner=partner, address=f"http://{host}/partner/{name}/credits", modes=MODES,
            mode=self._service.knobs.find(name).mode, changes=list(reversed(partner.taken.values()))[:SHOWN],
            balances=sorted(partner.balances.items())[:SHOWN], visits=list(reversed(partner.visits))[:20], clock=clock,
        )  # fmt: skip

    def _press(self, request: Request, partner: Partner, what: str) -> Response:
        try:
            params = read_params(request)
        except BadParams:
            return Response(b"Bad Request", 400, "text/plain")
        if what == "mode" and params.get("mode") in MODES:
            self._service.knobs.turn(partner.name, {"mode": params["mode"]})
        elif what == "keys":
            for name, longest in FIELDS.items():
                value = str(params.get(name, "")).strip()
                if value and len(value) <= longest:
                    setattr(partner, name, value)
            self._service.dirty = True
        return Response(
            status=303,
            content_type="text/plain",
            headers={"Location": f"/partner/{quote(partner.name)}"},
        )


def clock(at: int) -> str:
    """A time of the day for the lists."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
