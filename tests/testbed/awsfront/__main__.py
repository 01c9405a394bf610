"""Starts the servers and obeys the tests: one JSON object a line in, one out. Ends when its standard input does.

usage: REGISTRY_LOGIN=USER:PASSWORD-in-base64 python -m testbed.awsfront ADDRESS REGISTRY CERTIFICATE KEY
  ADDRESS   of this machine, where actions and hosts reach the servers
"""

import base64
import json
import logging
import os
import sys
import traceback

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "0"
logging.getLogger("werkzeug").setLevel(logging.ERROR)

from . import api, ecr, imds, web, web_identity, world  # noqa: E402


def main(address, registry, certificate, key):
    images = ecr.Images(registry, os.environ["REGISTRY_LOGIN"])
    w = world.World()
    images.world = w
    issuer = web_identity.Issuer(w)
    front = api.Api(w, issuer, images)
    servers = {
        "api": web.Server(address, front.handle, w.now),
        "oidc": web.Server(address, issuer.handle, w.now),
        "imds": web.Server(address, imds.Imds(w).handle, w.now),
        "registry": web.Server(address, ecr.Registry(w, images).handle, w.now, tls=(certificate, key)),
    }
    images.url = f"http://{address}:{servers['api'].port}"

    def calls():
        return [c.recorded() for c in list(w.calls)]

    def judge(method, path, headers, body):
        return front.judge(web.Request(method, path, list(headers.items()), base64.b64decode(body), "127.0.0.1"))

    def drop_hung():
        for s in servers.values():
            for c in s.hung:
                c.close()
            s.hung.clear()

    own = {"calls": calls, "judge": judge, "signed": front.signed, "drop_hung": drop_hung}

    def obey(command):
        name = command.pop("do")
        args = command
        return own[name](**args) if name in own else getattr(w, "do_" + name)(**args)

    say = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what moto prints goes elsewhere
    print(json.dumps({"ports": {n: s.port for n, s in servers.items()}, "bearer": issuer.bearer}), file=say, flush=True)
    for line in sys.stdin:
        try:
            answer = {"value": obey(json.loads(line))}
        except Exception:
            answer = {"error": traceback.format_exc()[-3000:]}
        print(json.dumps(answer), file=say, flush=True)
    os._exit(0)  # threads that wait for clients


if __name__ == "__main__":
    main(*sys.argv[1:])
