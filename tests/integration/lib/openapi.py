#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds answers against an OpenAPI file.

    openapi.py SPEC check METHOD PATH STATUS BODY HEAD   one answer; PATH as the file spells it
    openapi.py SPEC list                                 its endpoints, `METHOD PATH` a line
    openapi.py SPEC body METHOD PATH BODY                a request's body

An answer has to have the content type and the headers that the file gives its status, and a body
that its schema takes. The schemas are closed, so a key that the file does not know is an error.
A status that the file does not give an endpoint is one, too, but for 405, which all have.
"""
import json
import sys

import jsonschema
import yaml


def resolve(spec, node):
    while "$ref" in node:
        target = spec
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def validate(spec, schema, document):
    """Errors of DOCUMENT, as text. References are into SPEC."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": spec["components"], **schema}
    validator = jsonschema.Draft202012Validator(whole)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:500]}"
            for error in validator.iter_errors(document)]


def response_of(spec, method, path, status):
    responses = spec["paths"][path][method.lower()]["responses"]
    if status == "405" and status not in responses:
        schema = {"$ref": "#/components/schemas/Error"}
        return {"headers": {"Allow": {"required": True}}, "content": {"application/json": {"schema": schema}}}
    if status not in responses:
        sys.exit(f"{method} {path} gave {status}; the file has {', '.join(responses)}")
    return resolve(spec, responses[status])


def check(spec, method, path, status, body, head):
    response = response_of(spec, method, path, status)
    with open(head, encoding="utf-8") as file:
        headers = dict(line.rstrip().lower().split(": ", 1) for line in file if ": " in line)
    errors = [f"header {name} is missing" for name, header in response.get("headers", {}).items()
              if header.get("required") and name.lower() not in headers]
    content = headers.get("content-type", "none").split(";")[0]
    if content not in response["content"]:
        sys.exit(f"content type {content}; the file has {', '.join(response['content'])}")
    if content == "application/json":
        with open(body, encoding="utf-8") as file:
            errors += validate(spec, response["content"][content]["schema"], json.load(file))
    return errors


def check_body(spec, method, path, body):
    schema = spec["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    with open(body, encoding="utf-8") as file:
        return validate(spec, schema, json.load(file))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    if sys.argv[2] == "list":
        for path, methods in spec["paths"].items():
            for method in methods:
                print(method.upper(), path)
        return
    errors = {"check": check, "body": check_body}[sys.argv[2]](spec, *sys.argv[3:])
    if errors:
        sys.exit("\n".join(errors))


main()
