"""Reading parameters as the real server does: query string, form, multipart and JSON, all merged."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from sandbox.http import Request

Params = dict[str, Any]

ATTRIBUTE = re.compile(r';\s*([\w*-]+)=(?:"([^"]*)"|([^;]*))')


class BadParams(ValueError):
    """The body is not what its content type says."""


@dataclass(slots=True)
class Upload:
    """One file of a multipart body."""

    name: str
    content_type: str
    data: bytes


def read_params(request: Request) -> Params:
    """All parameters of a request. Values are strings, Uploads, or what JSON gives.

    Raises BadParams. Where a name comes twice, the body wins over the query.
    """
    params: Params = dict(parse_qsl(request.query, keep_blank_values=True)) if request.query else {}
    if request.body:
        params.update(read_body(request.headers.get("content-type", ""), request.body))
    return params


def read_body(content_type: str, body: bytes) -> Params:
    """The parameters of one body; raises BadParams."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            return dict(parse_qsl(body.decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise BadParams("strings must be encoded in UTF-8") from None
    if kind == "application/json":
        try:
            values = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise BadParams("can't parse JSON object") from None
        if not isinstance(values, dict):
            raise BadParams("object expected as JSON body")
        return {name: value for name, value in values.items() if value is not None}
    if kind == "multipart/form-data":
        return read_multipart(content_type, body)
    raise BadParams("unsupported content type")


def read_multipart(content_type: str, body: bytes) -> Params:
    """Form fields and files of a multipart body; raises BadParams."""
    boundary = content_type.partition("boundary=")[2].partition(";")[0].strip().strip('"')
    if not boundary:
        raise BadParams("boundary not found")
    params: Params = {}
    delimiter = b"\r\n--" + boundary.encode()
    for part in (b"\r\n" + body).split(delimiter)[1:]:
        if part.startswith(b"--"):
            return params
        head, separator, data = part.partition(b"\r\n\r\n")
        if not separator:
            raise BadParams("part of multipart body without headers")
        name, value = read_part(head.decode("utf-8", "replace"), data)
        params[name] = value
    raise BadParams("multipart body is not complete")


def read_part(head: str, data: bytes) -> tuple[str, str | Upload]:
    """Name and value of one part: an Upload when it has a file name."""
    fields = {}
    for line in head.strip().split("\r\n"):
        key, _, value = line.partition(":")
        fields[key.strip().lower()] = value.strip()
    disposition = fields.get("content-disposition", "")
    attributes = {found[1]: found[2] or found[3] for found in ATTRIBUTE.finditer(disposition)}
    name = attributes.get("name", "")
    file_name = attributes.get("filename")
    if "filename*" in attributes:
        file_name = unquote(attributes["filename*"].rpartition("'")[2])
    if file_name is not None:
        return name, Upload(file_name, fields.get("content-type", "application/octet-stream"), data)
    return name, data.decode("utf-8", "replace")
