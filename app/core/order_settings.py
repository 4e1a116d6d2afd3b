"""The settings of what orders need: outside services, their keys and limits. A part of `app/core/settings.py`."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


def web_address(value: str) -> str:
    """An address without its last slash. Raises ValueError."""
    if value and not value.startswith(("https://", "http://")):
        raise ValueError("must start with https:// or http://")
    return value.rstrip("/")


class OrderSettings(BaseSettings):
    """Times are seconds."""

    pingpong_api_url: str = Field(
        "https://acquirer-payment.pingpongx.com",
        description="PingPong V4: the production host of the account's region, or the sandbox",
    )
    pingpong_client_id: str = Field(
        "", description="the operator's PingPong account, for tenants without one"
    )
    pingpong_acc_id: str = Field("", description="same: clientId and three digits more")
    pingpong_salt: SecretStr = Field(SecretStr(""), description="same: the secret of its signatures")
    pingpong_sign_scheme: Literal["salted-sha256", "hmac-sha256"] = Field(
        "salted-sha256", description="how that account signs"
    )
    pingpong_webhook_port: int = Field(
        8000,
        ge=1,
        le=65535,
        description="of `gunicorn wsgi:payments` where callbacks have a process of their own",
    )
    pingpong_notify_url: str = Field(
        "", description="where PingPong reaches that process; empty = PUBLIC_URL/webhook/pingpong"
    )
    yuanfenju_api_url: str = Field(
        "https://api.yuanfenju.com/index.php", description="charts by Yuanfenju, or the sandbox"
    )
    yuanfenju_api_key: SecretStr = Field(
        SecretStr(""), description="the operator's key, for tenants without one; empty = our own calculation"
    )
    yuanfenju_usd: float = Field(
        0.02, ge=0, le=100, description="what one chart costs the operator, in US dollars"
    )
    deepseek_api_url: str = Field("https://api.deepseek.com", description="an OpenAI-compatible service")
    deepseek_api_key: SecretStr = Field(
        SecretStr(""), description="the operator's key, for tenants without one; empty = our own words"
    )
    deepseek_model: str = Field("deepseek-flash", description="the model that writes reports")
    deepseek_prices: str = Field(
        "0.30,0.06,1.20",
        pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?(,[0-9]{1,4}(\.[0-9]{1,4})?){2}$",
        description="US dollars per million tokens: read, read from the cache, written",
    )
    deepseek_seconds: float = Field(
        240.0, ge=5, le=600, description="the longest that one report may be written"
    )
    ai_tenant_daily_usd: float = Field(
        20.0, ge=0, description="what one tenant's reports may cost a day with the operator's key"
    )
    ai_buyer_daily_usd: float = Field(2.0, ge=0, description="same for one buyer")
    order_threads: int = Field(16, ge=1, le=200, description="orders that one process works on at once")
    orders_per_tenant: int = Field(
        4, ge=1, le=100, description="orders of one tenant that are worked on at once, all processes together"
    )

    @field_validator("pingpong_api_url", "pingpong_notify_url", "yuanfenju_api_url", "deepseek_api_url")
    @classmethod
    def _service_address(cls, value: str) -> str:
        return web_address(value)
