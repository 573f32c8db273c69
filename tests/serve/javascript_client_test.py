#!/usr/bin/env python3
"""Runs openai_client_test.mjs against a server.

usage: javascript_client_test.py CARAT SOURCE_DIR NODE FOLDER_WITH_NODE_MODULES
"""
import os
import subprocess
import sys

from server import Server

server = Server(sys.argv[1], sys.argv[2])
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openai_client_test.mjs")
code = subprocess.run([sys.argv[3], script, server.url, sys.argv[4]], timeout=100).returncode
sys.exit(code or server.stop())
