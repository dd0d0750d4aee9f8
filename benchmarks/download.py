"""Gets a file from the API and says how much memory that took: `python -m benchmarks.download …`.

In a process of its own, by Django's test client; what is sent is thrown away as it comes.
"""

import json
import sys
from typing import Any

import django
from django.test import Client

from benchmarks.peak import mebibytes

if __name__ == "__main__":
    django.setup()
    path, headers = sys.argv[1], json.loads(sys.argv[2])
    client = Client(SERVER_NAME="127.0.0.1", headers={**headers, "accept": "text/csv"})
    answer: Any = client.get(path)
    assert answer.status_code == 200, answer.content
    lines = sum(block.count(b"\n") for block in answer.streaming_content)
    assert lines > 1, "there is a header and something under it"
    print(mebibytes())
