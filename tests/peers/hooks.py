"""What schemathesis does not know how to send by itself, and what its workers must not do at once."""

import ast
import functools
import threading

import schemathesis

# Python 3.11 counts the depth of a syntax tree once for all threads (python/cpython#106905): two workers that parse at once
# make it fail with "AST constructor recursion depth mismatch".
PARSING = threading.RLock()
PARSE = ast.parse


@functools.wraps(PARSE)
def parse_alone(*arguments, **options):
    with PARSING:
        return PARSE(*arguments, **options)


ast.parse = parse_alone


@schemathesis.serializer("application/wasm")
def as_bytes(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
