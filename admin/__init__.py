"""The boss's pages: Flask-Admin with a base view and a look of our own."""

from types import ModuleType

from flask import Blueprint, Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_babel import lazy_gettext as _l

from admin import (
    account,
    audit,
    bot_texts,
    bots,
    broadcasts,
    credit_clients,
    credit_drifts,
    credit_holds,
    credit_keys,
    credit_letters,
    credit_overview,
    credit_partners,
    credit_postings,
    credit_settings,
    dashboard,
    dead_letters,
    formatters,
    lotteries,
    lottery_acts,
    lottery_bulk,
    lottery_files,
    lottery_form,
    lottery_templates,
    lottery_winners,
    members,
    operators,
    order_acts,
    order_refund,
    orders,
    payments,
    people,
    pictures,
    product_acts,
    product_form,
    product_stock,
    products,
    promoters,
    promoting,
    report_prompts,
    sales,
    service_accounts,
    settings,
    shop_alerts,
    withdrawals,
)
from admin import credits as credit_pages
from admin.menu import shell

FEATURES: tuple[ModuleType, ...] = (
    bots,
    bot_texts,
    members,
    orders,
    order_acts,
    order_refund,
    shop_alerts,
    sales,
    products,
    product_form,
    product_acts,
    product_stock,
    lotteries,
    lottery_form,
    lottery_acts,
    lottery_winners,
    lottery_templates,
    lottery_bulk,
    lottery_files,
    pictures,
    broadcasts,
    promoters,
    promoting,
    withdrawals,
    credit_overview,
    credit_pages,
    credit_postings,
    credit_holds,
    credit_settings,
    credit_clients,
    credit_keys,
    credit_partners,
    credit_letters,
    credit_drifts,
    payments,
    service_accounts,
    report_prompts,
    dead_letters,
    people,
    settings,
    audit,
    account,
    operators,
)
"""Each has `views()`, which makes its views."""


def init_app(app: Flask, features: tuple[ModuleType, ...] = FEATURES) -> None:
    """Adds the pages of `features`. Our templates are registered first, so that they win over those of the library."""
    formatters.init_app(app)
    app.register_blueprint(Blueprint("shell", __name__, template_folder="templates"))
    app.add_template_global(shell)
    admin = Admin(
        name=_l("Laoban"),
        index_view=dashboard.HomeView(),
        theme=Bootstrap4Theme(),
        csp_nonce_generator=app.jinja_env.globals.get("csp_nonce"),
    )
    views = [view for feature in features for view in feature.views()]
    admin.add_views(*views)
    admin.init_app(app)
    app.extensions["laoban_views"] = (admin.index_view, *views)
