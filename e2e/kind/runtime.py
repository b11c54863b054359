#!/usr/bin/python3 -I
"""The OCI runtime of a Docker daemon on a machine that withholds a capability, as some containers and VMs do.

Docker asks for every capability when a container is privileged, and runc refuses what the machine has not got. This takes that
out of the request, and what it would have allowed: a lowered oom_score_adj and raised limits. Then it becomes runc.
"""
import json
import os
import shutil
import sys

RUNC = shutil.which("runc") or "/usr/sbin/runc"
CAPABILITY, BIT = "CAP_SYS_RESOURCE", 24


def withheld():
    with open("/proc/self/status") as status:
        bounding = next(line.split()[1] for line in status if line.startswith("CapBnd:"))
    return not int(bounding, 16) >> BIT & 1


def option(arguments, *names):
    for index, argument in enumerate(arguments):
        for name in names:
            if argument == name and index + 1 < len(arguments):
                return arguments[index + 1]
            if argument.startswith(name + "="):
                return argument[len(name) + 1 :]
    return None


def soften(path, key):
    with open(path) as file:
        document = json.load(file)
    process = document[key] if key else document
    for name, capabilities in (process.get("capabilities") or {}).items():
        process["capabilities"][name] = [one for one in capabilities if one != CAPABILITY]
    process["oomScoreAdj"] = max(process.get("oomScoreAdj") or 0, 0)
    process.pop("rlimits", None)
    with open(path, "w") as file:
        json.dump(document, file)


def main(arguments):
    try:
        if not withheld():
            pass
        elif "create" in arguments or "run" in arguments:
            bundle = option(arguments, "--bundle", "-b") or "."
            soften(os.path.join(bundle, "config.json"), "process")
        elif "exec" in arguments and (process := option(arguments, "--process", "-p")):
            soften(process, None)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"runtime.py: {error}\n")
    os.execv(RUNC, ["runc", *arguments])


main(sys.argv[1:])
