#!/usr/bin/env python3
"""Fills in what Jinja makes of the templates in rendered.json, with the options that transformers sets.

    python3 render.py        with Jinja 3.1.6 (python3-jinja2)

Each case is [template, rendered]; rendered is null where Jinja raises. All are given the same variables.
"""

import datetime
import json
import pathlib

from jinja2 import ext, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

VARIABLES = {
    "messages": [{"role": "user", "content": " Hi "}, {"role": "assistant", "content": ""}],
    "empty": [],
    "nothing": None,
}


class Generation(ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


jinja = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, ext.loopcontrols])
jinja.filters["tojson"] = tojson
jinja.globals["raise_exception"] = raise_exception
jinja.globals["strftime_now"] = lambda f: datetime.datetime(2024, 7, 6).strftime(f)


def render(template):
    try:
        return jinja.from_string(template).render(**VARIABLES)
    except Exception:
        return None


path = pathlib.Path(__file__).with_name("rendered.json")
cases = [[template, render(template)] for template, _ in json.loads(path.read_text(encoding="utf-8"))]
lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
