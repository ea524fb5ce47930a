"""A mail server that tells on standard output what it was given, a JSON object a line, and ends with its standard input.

It refuses by recipient: nobody@ for good, later@ once, never@ every time for now.
"""
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import AuthResult, SMTP

wanted = json.loads(sys.argv[1])


def told(**facts):
    print(json.dumps(facts), flush=True)


class Handler:
    def __init__(self):
        self.later = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "nobody":
            return "550 5.1.1 There is no nobody here"
        if name == "never" or (name == "later" and address not in self.later):
            self.later.add(address)
            return "451 4.3.0 Come again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = []
        for part in message.walk():
            if part.is_multipart():
                continue
            body = part.get_payload(decode=True)
            text = body.decode("utf-8") if part.get_content_maintype() == "text" else None
            parts.append({"type": part.get_content_type(), "text": text, "name": part.get_filename(),
                          "size": len(body), "begin": body[:5].decode("latin-1")})
        headers = [[name, str(value)] for name, value in message.items()]
        told(sender=envelope.mail_from, to=envelope.rcpt_tos, headers=headers, parts=parts, kind=message.get_content_type(),
             tls=server.transport.get_extra_info("ssl_object") is not None, hello=session.host_name)
        return "250 2.0.0 Taken as 42"


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login.decode(), data.password.decode()) == (wanted["user"], wanted["password"])
    return AuthResult(success=right, handled=False)


async def main():
    tls = None
    if wanted.get("certificate"):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(wanted["certificate"], wanted["key"])
    implicit = tls if wanted["security"] == "tls" else None
    starttls = tls if wanted["security"] == "starttls" else None
    login = {"auth_required": True, "auth_require_tls": starttls is not None, "authenticator": authenticate} if wanted.get("user") else {}
    handler = Handler()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, tls_context=starttls, require_starttls=starttls is not None, loop=loop, **login),
        "127.0.0.1", 0, ssl=implicit)
    told(port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
