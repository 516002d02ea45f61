# SPDX-License-Identifier: MIT
"""Runs a program as a container's runtime would confine it: by the rules for system calls that come
with Debian's podman, for a container that is given no rights beyond the usual.

usage: confined.py seccomp.json COMMAND...
"""
import errno
import json
import os
import platform
import sys

import seccomp

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
OPERATIONS = {"SCMP_CMP_EQ": seccomp.EQ, "SCMP_CMP_NE": seccomp.NE, "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ}


def action_of(name, code):
    return seccomp.ALLOW if name == "SCMP_ACT_ALLOW" else seccomp.ERRNO(code or errno.EPERM)


def applies(entry):
    includes, excludes = entry.get("includes") or {}, entry.get("excludes") or {}
    return ARCH in includes.get("arches", [ARCH]) and not includes.get("caps") and not excludes.get("arches")


def load(profile):
    default = action_of(profile["defaultAction"], profile.get("defaultErrnoRet"))
    rules = seccomp.SyscallFilter(default)
    for entry in filter(applies, profile["syscalls"]):
        action = action_of(entry["action"], entry.get("errnoRet"))
        arguments = [
            seccomp.Arg(a["index"], OPERATIONS[a["op"]], a["value"]) for a in entry.get("args") or []
        ]
        for name in entry["names"]:
            try:
                rules.add_rule(action, name, *arguments)
            except (RuntimeError, OSError, ValueError):
                pass  # of another machine, or the default already
    rules.load()


with open(sys.argv[1], encoding="utf-8") as file:
    load(json.load(file))
os.execv(sys.argv[2], sys.argv[2:])
