"""What schemathesis does not know how to send by itself."""

import schemathesis


@schemathesis.serializer("application/wasm")
def as_bytes(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
