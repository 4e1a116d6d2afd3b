"""The forms of the account pages. Flask-Security's where they fit, and none takes a field that it doesn't know."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _
from flask_security.forms import LoginForm as SecurityLoginForm
from flask_security.forms import TwoFactorRescueForm, TwoFactorSetupForm
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from app.core.errors import BadInput
from app.domain.people import clean_email, is_email
from app.domain.tenants import MAX_NAME
from app.services import people

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 200
KNOWN = frozenset(
    {
        "csrf_token",
        "next",
        "submit",
        "email",
        "password",
        "password_confirm",
        "new_password",
        "new_password_confirm",
        "code",
        "setup",
        "generate_new_codes",
        "show_codes",
        "help_setup",
    }
)
"""Every field of Flask-Security's forms that we use."""


def refuse_unknown(known: frozenset[str] = KNOWN) -> None:
    """Raises BadInput where a form carries a field that is none of ours: nobody can set what the form doesn't show."""
    if set(request.form) - known or any(len(request.form.getlist(name)) > 1 for name in request.form):
        raise BadInput


class Strict(FlaskForm):
    """A form that refuses what it doesn't know."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Raises BadInput for unknown fields."""
        refuse_unknown(frozenset({*self._fields, "csrf_token"}))
        return bool(super().validate(extra_validators))


class LoginForm(SecurityLoginForm):
    """No "remember me": sessions end after 30 idle minutes."""

    remember = None

    def validate(self, **kwargs: Any) -> bool:
        """A right password ends the wait that wrong ones caused, also where a second factor is still to come."""
        valid = super().validate(**kwargs)
        if self.user_authenticated:
            people.forget_tries(clean_email(self.email.data or ""), request.remote_addr)
        return bool(valid)


class SetupForm(TwoFactorSetupForm):
    """Its choices in the form that the present WTForms wants."""

    setup = RadioField(
        choices=[SelectChoice("authenticator"), SelectChoice("disable")], validate_choice=False
    )


class RescueForm(TwoFactorRescueForm):
    """The same; we only show the way to the recovery codes."""

    help_setup = RadioField(choices=[SelectChoice("recovery_code")])


def an_email(_form: FlaskForm, field: EmailField) -> None:
    """The field holds an address."""
    if not is_email(field.data or ""):
        raise ValidationError(_("This is not an e-mail address."))


class RegisterForm(Strict):
    """A new boss."""

    name = StringField(_("Name of your business"), validators=[DataRequired(), Length(max=MAX_NAME)])
    email = EmailField(
        _("E-mail"),
        validators=[DataRequired(), an_email],
        render_kw={"autocomplete": "email"},
    )
    password = PasswordField(
        _("Password"),
        validators=[DataRequired(), Length(min=SHORTEST_PASSWORD, max=LONGEST_PASSWORD)],
        description=_("At least 8 characters."),
        render_kw={"autocomplete": "new-password"},
    )
    submit = SubmitField(_("Register"))


class JoinForm(Strict):
    """Somebody who was invited and has no account yet."""

    name = StringField(_("Your name"), validators=[DataRequired(), Length(max=MAX_NAME)])
    password = PasswordField(
        _("Password"),
        validators=[DataRequired(), Length(min=SHORTEST_PASSWORD, max=LONGEST_PASSWORD)],
        description=_("At least 8 characters."),
        render_kw={"autocomplete": "new-password"},
    )
    submit = SubmitField(_("Join"))
