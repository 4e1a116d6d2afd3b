"""DeepSeek through the client that the platform uses, and its bad days."""

import asyncio
import json
import time

import openai
import pytest
import requests

from tests.sandbox_client import DEEPSEEK_KEY
from tests.waiting import wait_for

PROMPT = "按下面的标题写，日柱丁卯：\n\n## 总论\n## 事业\n## 财运\n"
THINKING_OFF = {"thinking": {"type": "disabled"}}


@pytest.fixture
def client(sandbox):
    with openai.OpenAI(
        base_url=sandbox.deepseek_url, api_key=DEEPSEEK_KEY, max_retries=0, timeout=5
    ) as client:
        yield client


def ask(client, prompt=PROMPT, **more):
    settings = {"model": "deepseek-flash", "extra_body": THINKING_OFF, **more}
    return client.chat.completions.create(messages=[{"role": "user", "content": prompt}], **settings)


def stream(client, **more):
    """The text, the reasons to end, and the usage."""
    text, ends, usage = "", [], None
    for chunk in ask(client, stream=True, stream_options={"include_usage": True}, **more):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            ends += [choice.finish_reason] if choice.finish_reason else []
    return text, ends, usage


def test_an_answer_has_every_section_that_was_asked_for(sandbox, client):
    told = ask(client)
    text = told.choices[0].message.content
    assert [line for line in text.splitlines() if line.startswith("#")] == ["## 总论", "## 事业", "## 财运"]
    assert "丁卯" in text
    assert told.usage.total_tokens == told.usage.prompt_tokens + told.usage.completion_tokens
    assert sandbox.deepseek_counters()["completion_tokens"] == told.usage.completion_tokens


@pytest.mark.parametrize(
    "markers", ["【总论】 【财运】", "[[head]] [[body]]", "<<a>> <<b>>", "=== 甲 === === 乙 ==="]
)
def test_other_ways_to_mark_a_section(client, markers):
    one, two = (markers.split(" === ")[0] + " ===", "=== 乙 ===") if "=" in markers else markers.split()
    text = ask(client, f"写：\n{one}\n{two}\n").choices[0].message.content
    assert text.index(one) < text.index(two)


def test_the_language_and_the_marks_at_the_end_of_a_prompt_count(client):
    prompt = "# The chart\n丁卯\nWrite in English, please, and begin each chapter so:\n=== head ===\n=== body ===\n"
    text = ask(client, prompt).choices[0].message.content
    assert [line for line in text.splitlines() if line[:1] in {"=", "#"}] == ["=== head ===", "=== body ==="]
    assert "the" in text


def test_json_mode_gives_the_keys_that_the_prompt_shows(client):
    prompt = '只回答 json：{"career": "...", "wealth": "..."}'
    told = ask(client, prompt, response_format={"type": "json_object"})
    assert set(json.loads(told.choices[0].message.content)) == {"career", "wealth"}


def test_a_stream_says_the_same_and_ends_with_the_usage(client):
    text, ends, usage = stream(client)
    assert text == ask(client).choices[0].message.content
    assert ends == ["stop"]
    assert usage.completion_tokens > 50


def test_it_thinks_unless_told_not_to(client):
    thoughtful = ask(client, extra_body={})
    assert thoughtful.choices[0].message.reasoning_content
    assert thoughtful.usage.completion_tokens_details.reasoning_tokens > 0
    assert not hasattr(ask(client).choices[0].message, "reasoning_content")


def test_the_wire_has_comments_an_empty_chunk_and_an_end(sandbox):
    body = {
        "model": "deepseek-flash", "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": PROMPT}],
    }  # fmt: skip
    answer = requests.post(
        f"{sandbox.deepseek_url}/v1/chat/completions", json=body, timeout=5,
        headers={"Authorization": f"Bearer {DEEPSEEK_KEY}"},
    )  # fmt: skip
    lines = [line for line in answer.content.decode().splitlines() if line]
    assert lines[0] == ": keep-alive"
    assert json.loads(lines[-2].removeprefix("data: "))["choices"] == []
    assert lines[-1] == "data: [DONE]"


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("402", openai.APIStatusError),
        ("422", openai.UnprocessableEntityError),
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("reset", openai.APIConnectionError),
        ("cut", openai.APIConnectionError),
        ("blank", json.JSONDecodeError),
    ],
)
def test_bad_days(sandbox, client, mode, error):
    sandbox.deepseek_knobs(mode, times=1)
    with pytest.raises(error):
        ask(client)
    assert ask(client).choices[0].finish_reason == "stop"


def test_a_429_may_say_how_long(sandbox, client):
    for seconds, header in ((0, None), (7, "7")):
        sandbox.deepseek_knobs("429", retry_after=seconds)
        with pytest.raises(openai.RateLimitError) as found:
            ask(client)
        assert found.value.response.headers.get("retry-after") == header


@pytest.mark.parametrize(("mode", "error"), [("cut", openai.APIConnectionError), ("error", openai.APIError)])
def test_a_stream_that_breaks_off(sandbox, client, mode, error):
    sandbox.deepseek_knobs(mode)
    with pytest.raises(error):
        stream(client)


def test_a_stream_of_nothing_but_comments(sandbox, client):
    sandbox.deepseek_knobs("blank")
    assert stream(client) == ("", [], None)


@pytest.mark.parametrize("finish", ["length", "insufficient_system_resource", "content_filter"])
def test_other_reasons_to_end(sandbox, client, finish):
    full = ask(client).choices[0].message.content
    sandbox.deepseek_knobs(finish=finish)
    told = ask(client).choices[0]
    assert told.finish_reason == finish
    assert len(told.message.content) < len(full)
    assert stream(client)[1] == [finish]


def test_few_tokens_cut_an_answer_short(client):
    told = ask(client, max_tokens=10)
    assert (told.choices[0].finish_reason, told.usage.completion_tokens) == ("length", 10)


def test_empty_and_incomplete_answers(sandbox, client):
    sandbox.deepseek_knobs(content="empty")
    assert stream(client)[0] == ""
    sandbox.deepseek_knobs(content="missing")
    assert "## 财运" not in ask(client).choices[0].message.content
    sandbox.deepseek_knobs(content="plain")
    assert "##" not in ask(client).choices[0].message.content


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"model": "deepseek-chat"}, 400),
        ({"model": "deepseek-reasoner"}, 400),
        ({"model": "deepseek-v4-flash"}, 200),
        ({"temperature": 3}, 400),
        ({"temperature": "hot"}, 422),
        ({"max_tokens": 0}, 400),
        ({"stream_options": {"include_usage": True}}, 400),
        ({"user_id": "张三"}, 400),
        ({"user_id": "t1-b2"}, 200),
        ({"messages": []}, 400),
        ({"messages": [{"role": "boss", "content": "x"}]}, 422),
        ({"response_format": {"type": "json_object"}}, 400),
    ],
)
def test_requests_are_read_strictly(sandbox, changes, status):
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hi"}], **changes}
    answer = requests.post(
        f"{sandbox.deepseek_url}/chat/completions", json=body, timeout=5,
        headers={"Authorization": f"Bearer {DEEPSEEK_KEY}"},
    )  # fmt: skip
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["message"]


def test_keys_and_their_money(sandbox, client):
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="sk-other"))
    sandbox.deepseek_key("sk-poor", 0.000001)
    poor = client.with_options(api_key="sk-poor")
    ask(poor)
    with pytest.raises(openai.APIStatusError, match="Insufficient Balance"):
        ask(poor)
    asked = {"Authorization": "Bearer sk-poor"}
    assert not requests.get(f"{sandbox.deepseek_url}/user/balance", headers=asked, timeout=5).json()[
        "is_available"
    ]
    assert [model.id for model in client.models.list()] == ["deepseek-flash", "deepseek-v4-pro"]


def test_an_answer_may_drip_and_whoever_leaves_is_noticed(sandbox, client):
    sandbox.deepseek_knobs(drip=0.2, who=DEEPSEEK_KEY)

    async def impatient() -> None:
        async with openai.AsyncOpenAI(base_url=sandbox.deepseek_url, api_key=DEEPSEEK_KEY) as patient:
            async with asyncio.timeout(0.5):
                async for _ in await ask(patient, stream=True):
                    pass

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    assert time.monotonic() - began < 3
    wait_for(lambda: sandbox.deepseek_counters().get("left") == 1)
    assert sandbox.deepseek_counters()["active"] == 0


def test_what_was_asked_can_be_seen_and_a_repeated_prompt_is_cheaper(sandbox, client):
    first, second = ask(client, PROMPT * 20), ask(client, PROMPT * 20)
    assert first.usage.prompt_cache_hit_tokens == 0
    assert second.usage.prompt_cache_hit_tokens > 0
    assert sandbox.deepseek_requests()[-1]["messages"][0]["content"] == PROMPT * 20
