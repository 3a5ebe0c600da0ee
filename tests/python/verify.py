"""Verifies one webhook as a Python program of an integrator's would: by the library alone."""

import json
import sys

from standardwebhooks.webhooks import Webhook

told = json.loads(sys.argv[1])
print(Webhook(told["secret"]).verify(told["body"], told["headers"])["type"])
