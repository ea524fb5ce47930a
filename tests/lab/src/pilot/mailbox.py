"""Prints a Maildir as JSON: who was written to, about what, with which text and files; oldest first."""

import email.policy
import json
import mailbox
import sys

box = mailbox.Maildir(sys.argv[1], create=False)
read = lambda file: email.message_from_binary_file(file, policy=email.policy.default)
letters = []
for key in box.keys():
    with box.get_file(key) as file:
        letter = read(file)
    body = letter.get_body(("plain",))
    files = [part.get_filename() for part in letter.iter_attachments()]
    letters.append({"key": key, "to": letter["to"], "subject": letter["subject"], "text": body.get_content() if body else "", "files": files})
letters.sort(key=lambda letter: letter["key"])
print(json.dumps(letters))
