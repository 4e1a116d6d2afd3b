"""A person at a browser without scripts: real forms over real HTTP."""

import re
from typing import Any, Self

import requests

CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Visitor:
    """One browser, in Chinese."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Accept-Language"] = "zh-CN"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str) -> requests.Response:
        """A page; fails the test when it is none."""
        answer = self._http.get(f"{self.url}{path}", timeout=10)
        assert answer.ok, f"GET {path}: {answer.status_code}"
        return answer

    def send(self, form: str, to: str = "", **fields: Any) -> requests.Response:
        """Fills the form of page `form` and sends it there or `to` another address, with the page's own CSRF token."""
        token = CSRF.search(self.get(form).text)
        assert token, f"no form on {form}"
        data = {"csrf_token": token[1], **fields}
        answer = self._http.post(
            f"{self.url}{to or form}", data, headers={"Referer": f"{self.url}{form}"}, timeout=10
        )
        assert answer.ok, f"POST {to or form}: {answer.status_code}"
        return answer
