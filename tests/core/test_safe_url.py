"""Which addresses may be connected to, told from their text."""

import pytest

from app.core.errors import AppError
from app.core.safe_url import UnsafeUrl, check_url, is_public

UNSAFE_URLS = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "HTTPS:example.com",
    "//example.com/",
    "example.com",
    "",
    "https://",
    "https:///path",
    "https://example.com:80/",
    "https://example.com:8443/",
    "https://example.com:6379/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://example.com\\.internal/",
    "https://exa mple.com/",
    "https://example.com/\r\nHost: localhost",
    "https://example.com/\x00",
    "https://localhost/",
    "https://localhost./",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1.0x1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://" + "a" * 3000 + ".com/",
]


@pytest.mark.parametrize("url", UNSAFE_URLS)
def test_unsafe_urls(url):
    with pytest.raises(UnsafeUrl):
        check_url(url)


def test_the_reason_is_for_the_log_and_not_for_the_visitor():
    with pytest.raises(UnsafeUrl) as caught:
        check_url("https://user:password@example.com/")
    assert isinstance(caught.value, AppError)
    assert "user" in str(caught.value)
    assert "user" not in caught.value.text("en")
    assert "password" not in caught.value.text("en") + repr(caught.value.args)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://example.com", "example.com", "/"),
        ("https://Example.COM:443/a?b=c#d", "example.com", "/a?b=c"),
        ("https://example.com./", "example.com", "/"),
        ("https://例子.测试/", "xn--fsqu00a.xn--0zwm56d", "/"),
        ("https://example.com/老板", "example.com", "/%E8%80%81%E6%9D%BF"),
        ("https://example.com/?mail=a@b.c", "example.com", "/?mail=a@b.c"),
        ("https://8.8.8.8/", "8.8.8.8", "/"),
        ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", "/"),
        ("https://1.example.com/", "1.example.com", "/"),
    ],
)
def test_public_urls_pass(url, host, path):
    target = check_url(url)
    assert (target.host, target.path) == (host, path)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "223.5.5.5", "2606:4700:4700::1111", "2400:3200::1"]
)
def test_public_addresses(address):
    assert is_public(address)
