"""Who may come in. Views take their decorators from here: `@require(Role.X)`, `@public`, `@own_secret`, …"""

from app.http.access import bare, fresh, operator_only, own_secret, public, require, signed_in

__all__ = ["bare", "fresh", "operator_only", "own_secret", "public", "require", "signed_in"]
