"""What every answer tells the browser: where scripts may come from, and that nobody may frame or sniff us."""

import secrets

from flask import Flask, Response, g, request

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def csp_nonce() -> str:
    """The nonce of this request; a `<script>` written into a page needs it."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def policy(nonce: str | None) -> str:
    """The content security policy. No inline handlers, no inline styles, nothing from other hosts."""
    scripts = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    rules = {
        "default-src": "'self'",
        "script-src": scripts,
        "script-src-attr": "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def headers_of(*, secure: bool, nonce: str | None = None) -> dict[str, str]:
    """What belongs to an answer; `secure` = asked for by https."""
    said = {**HEADERS, "Content-Security-Policy": policy(nonce)}
    return {**said, "Strict-Transport-Security": "max-age=31536000"} if secure else said


def add_headers(response: Response) -> Response:
    """Adds what the answer has not set itself."""
    for name, value in headers_of(secure=request.is_secure, nonce=g.get("csp_nonce")).items():
        response.headers.setdefault(name, value)
    if g.get("viewer") is not None and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Adds the headers to every answer and gives templates `csp_nonce()`."""
    app.after_request(add_headers)
    app.add_template_global(csp_nonce)
