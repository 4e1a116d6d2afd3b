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


def add_headers(response: Response) -> Response:
    """Adds what the answer has not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", policy(g.get("csp_nonce")))
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if g.get("viewer") is not None and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def init_app(app: Flask) -> None:
    """Adds the headers to every answer and gives templates `csp_nonce()`."""
    app.after_request(add_headers)
    app.add_template_global(csp_nonce)
