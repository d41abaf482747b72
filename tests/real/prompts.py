"""What the small model is asked: it was never taught to chat, but it goes on with a text whose pattern it can see."""

from typing import Any

CAPITAL = "Q: What is the capital of Italy?\nA: Rome\nQ: What is the capital of France?\nA:"
CAPITAL_ANSWER = "Paris"

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

_CALLS = [
    f'Q: How is the weather in {city}?\nA: <|tool_call>call:get_weather{{city:<|"|>{city}<|"|>}}<tool_call|>\n'
    for city in ("Rome", "Paris")
]
CALL = "".join(_CALLS) + "Q: How is the weather in Oslo?\nA: "
CALL_CITY = "Oslo"

THINK = "<|think|>"
"""What asks Gemma 4 to think."""

LIKE_GEMMA_4 = """\
{%- if enable_thinking | default(false) -%}<|think|>{%- endif -%}
{%- if tools -%}<|turn>system
{% for tool in tools %}<|tool>{{ tool['function'] | tojson }}<tool|>{% endfor %}<turn|>
{% endif -%}
{%- for message in messages -%}
{{ message['content'] or '' }}
{%- for call in message['tool_calls'] or [] -%}
{{ '<|tool_call>call:' + call['function']['name'] }}{{ call['function']['arguments'] | tojson }}<tool_call|>
{%- endfor -%}
{%- endfor -%}
"""
"""A chat template with the marks by which llama.cpp knows Gemma 4; a message itself it hands on as it is."""
