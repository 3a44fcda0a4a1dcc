#!/usr/bin/env python3
"""pharos-smtp against mail software that nobody here wrote: Postfix, OpenDKIM, dkimpy, Dovecot.

Runs everything in a folder of its own, on loopback, and ends it by its process ids. Installs nothing. Needs root (Postfix
and Dovecot change users) and the Debian packages that it names when they are missing.

  python3 tests/peer/mail_peer_test.py --bin BUILD/bin
"""
import argparse
import base64
import concurrent.futures
import email
import email.policy
import glob
import os
import pathlib
import pwd
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "ops" / "rehearsal"))
from ports import free_port  # noqa: E402
SYSTEM_PYTHON = "/usr/bin/python3"
PATIENCE_S = 30
PROGRAMS = {"postfix": "postfix", "opendkim": "opendkim", "dovecot": "dovecot-lmtpd", "openssl": "openssl",
            "protoc": "protobuf-compiler"}


def missing():
    lack = [package for program, package in PROGRAMS.items() if not find(program)]
    for module, package in {"grpc": "python3-grpcio", "google.protobuf": "python3-protobuf", "dkim": "python3-dkim"}.items():
        try:
            __import__(module)
        except ImportError:
            lack.append(package)
    return lack


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")



def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited in vain: {what}")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Dispatch:
    """The other end of the connector's stream: gives attempts, keeps what comes back."""

    def __init__(self, folder):
        out = folder / "proto"
        out.mkdir()
        needed = ["pharos/dispatch/internal/v1/work_service.proto", "pharos/api/v1/options.proto", "pharos/type/v1/types.proto"]
        subprocess.run(["protoc", f"-I{SOURCE}/proto", f"--python_out={out}", *needed], check=True)
        sys.path.insert(0, str(out))
        import grpc
        from pharos.dispatch.internal.v1 import work_service_pb2 as pb
        self.pb, self.given = pb, queue.Queue()
        self.outcomes, self.receipts, self.inbound, self.links = {}, [], [], []
        handler = grpc.stream_stream_rpc_method_handler(
            self.work, request_deserializer=pb.WorkRequest.FromString,
            response_serializer=pb.WorkResponse.SerializeToString)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "pharos.dispatch.internal.v1.WorkService", {"Work": handler}),))
        self.port = free_port()
        self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        self.server.start()

    def work(self, requests, context):
        pb = self.pb
        life = b""
        for request in requests:
            kind = request.WhichOneof("message")
            answer = pb.WorkResponse()
            if kind == "hello":
                life = request.hello.life
                answer.welcome.life, answer.welcome.live = os.urandom(16), True
                yield answer
            elif kind == "pull":
                attempts = []
                while len(attempts) < request.pull.credit and not self.given.empty():
                    attempts.append(self.given.get())
                if attempts:
                    answer.attempts.pull_number, answer.attempts.life = request.pull.number, life
                    answer.attempts.attempts.extend(attempts)
                    yield answer
            elif kind == "outcomes":
                for outcome in request.outcomes.outcomes:
                    self.outcomes[outcome.id] = outcome
                    answer.acknowledgement.outcomes.append(outcome.id)
                yield answer
            elif kind in ("receipts", "inbound"):
                messages = request.receipts.receipts if kind == "receipts" else request.inbound.messages
                getattr(self, kind).extend(messages)
                getattr(answer.acknowledgement, kind).extend(m.sequence for m in messages)
                yield answer
            elif kind == "link":
                self.links.append(request.link)

    def send(self, address, subject="Your appointment", **more):
        attempt = self.pb.Attempt(id=os.urandom(16), lease_us=900_000, hard_stop_us=700_000, address=address,
                                  sender="clinic@example.test", text=more.get("text", "Hello Anna,\n.\ncome at 10.\n"))
        attempt.email.subject, attempt.email.from_name = subject, "Clínic"
        attempt.email.html = "<!DOCTYPE html><html lang=\"en\"><title>x</title><body><p>Hello Änna</p></body></html>"
        attempt.email.list_unsubscribe = True
        attempt.email.one_click_url = "https://u.example.test/1/abc"
        for _ in range(5):  # a lease that ends early is given again under another id, as dispatch does
            self.given.put(attempt)
            outcome = until(lambda: self.outcomes.get(attempt.id), "an outcome")
            if outcome.WhichOneof("result") != "refused" or outcome.refused.permanent:
                return attempt, outcome
            attempt.id = os.urandom(16)
        return attempt, outcome


class Refuser:
    """A receiving system that knows nobody: 550 5.1.1 to every recipient."""

    def __init__(self):
        self.port = free_port()
        self.socket = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            guest, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(guest,), daemon=True).start()

    @staticmethod
    def serve(guest):
        with guest, guest.makefile("rwb") as line:
            def say(text):
                line.write(text.encode() + b"\r\n")
                line.flush()
            say("220 nobody.test ESMTP")
            for command in line:
                word = command[:4].upper()
                say({b"EHLO": "250 nobody.test", b"RCPT": "550 5.1.1 no such user", b"QUIT": "221 2.0.0 bye",
                     b"DATA": "554 5.5.1 no recipient"}.get(word, "250 2.0.0 fine"))
                if word == b"QUIT":
                    return


class Mail:
    """Postfix with OpenDKIM before it and Dovecot behind it, and our connector."""

    def __init__(self, folder, binaries):
        self.folder, self.binaries, self.running = folder, binaries, []
        self.ports = {name: free_port() for name in ("smtp", "milter", "lmtp", "listener")}
        self.refuser = Refuser()
        self.keys()
        self.opendkim()
        self.dovecot()
        self.postfix()
        self.dispatch = Dispatch(folder)
        self.connector()

    def start(self, *command, name):
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def stop(self):
        subprocess.run([find("postfix"), "-c", str(self.folder / "postfix"), "stop"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder).stdout

    def keys(self):
        self.openssl("genrsa", "-out", "rsa.pem", "2048")
        self.openssl("genpkey", "-algorithm", "ed25519", "-out", "ed.pem")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tls.key", "-out", "tls.pem", "-days", "2",
                     "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        rsa = self.openssl("pkey", "-in", "rsa.pem", "-pubout", "-outform", "DER")
        edward = self.openssl("pkey", "-in", "ed.pem", "-pubout", "-outform", "DER")[-32:]
        self.dns = {
            "r1._domainkey.example.test": "v=DKIM1; k=rsa; p=" + base64.b64encode(rsa).decode(),
            "e1._domainkey.example.test": "v=DKIM1; k=ed25519; p=" + base64.b64encode(edward).decode(),
        }

    def opendkim(self):
        (self.folder / "pub.txt").write_text("".join(f"{name} {record}\n" for name, record in self.dns.items()))
        (self.folder / "opendkim.conf").write_text(
            f"Mode v\nSocket inet:{self.ports['milter']}@127.0.0.1\nAlwaysAddARHeader yes\nAuthservID mx.example.test\n"
            f"TestPublicKeys {self.folder}/pub.txt\nBackground no\nSyslog no\n")
        self.start(find("opendkim"), "-f", "-x", str(self.folder / "opendkim.conf"), name="opendkim")

    def dovecot(self):
        base = self.folder / "dovecot"
        base.mkdir()
        (self.folder / "dove").mkdir()
        user = pwd.getpwnam("mail")
        os.chown(self.folder / "dove", user.pw_uid, user.pw_gid)
        (self.folder / "dovecot.conf").write_text(
            f"base_dir = {base}\nprotocols = lmtp\nlog_path = {self.folder}/dovecot.log\nssl = no\nfirst_valid_uid = 1\n"
            f"mail_location = maildir:{self.folder}/dove/%n\nauth_username_chars =\n"
            f"userdb {{\n driver = static\n args = uid={user.pw_uid} gid={user.pw_gid} home={self.folder}/dove/%n allow_all_users=yes\n}}\n"
            "passdb {\n driver = static\n args = nopassword=y\n}\n"
            f"service lmtp {{\n inet_listener lmtp {{\n address = 127.0.0.1\n port = {self.ports['lmtp']}\n }}\n}}\n"
            "service anvil {\n chroot =\n}\nservice stats {\n chroot =\n}\n")
        self.start(find("dovecot"), "-F", "-c", str(self.folder / "dovecot.conf"), name="dovecot.out")

    def postfix(self):
        conf = self.folder / "postfix"
        for name in ("postfix", "queue", "data", "mail", "log"):
            (self.folder / name).mkdir(exist_ok=True)
        user = pwd.getpwnam("postfix")
        for name in ("data", "mail"):
            os.chown(self.folder / name, user.pw_uid, user.pw_gid)
        ports = self.ports
        (conf / "vmaps").write_text("/^(anna|änna)@example\\.test$/ inbox/\n", encoding="utf-8")
        (conf / "transport").write_text(
            f"nobody.test smtp:[127.0.0.1]:{self.refuser.port}\ndove.test lmtp:inet:127.0.0.1:{ports['lmtp']}\n"
            f"bounce.example.test lmtp:inet:127.0.0.1:{ports['listener']}\n")
        (conf / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {self.folder}/log/mail.log
maillog_file_prefixes = {self.folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
virtual_mailbox_domains = example.test
virtual_mailbox_base = {self.folder}/mail
virtual_mailbox_maps = regexp:{conf}/vmaps
virtual_uid_maps = static:{user.pw_uid}
virtual_gid_maps = static:{user.pw_gid}
virtual_minimum_uid = 1
relay_domains = nobody.test dove.test bounce.example.test
transport_maps = texthash:{conf}/transport
smtputf8_enable = yes
smtpd_tls_security_level = encrypt
smtpd_tls_received_header = yes
smtpd_tls_cert_file = {self.folder}/tls.pem
smtpd_tls_key_file = {self.folder}/tls.key
smtpd_milters = inet:127.0.0.1:{ports['milter']}
smtpd_client_connection_count_limit = 0
import_environment = MAIL_CONFIG
""")
        dist = next(path for path in ("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf.proto", "/etc/postfix/master.cf")
                    if os.path.exists(path))
        lines = [line for line in pathlib.Path(dist).read_text().splitlines() if not line.startswith("smtp      inet")]
        lines = [" ".join(("n" if i == 4 and len(line.split()) >= 8 and not line.startswith((" ", "#")) else word)
                          for i, word in enumerate(line.split())) if line[:1] not in (" ", "#", "") else line for line in lines]
        (conf / "master.cf").write_text(f"127.0.0.1:{ports['smtp']} inet n - n - - smtpd\n" + "\n".join(lines) + "\n")
        subprocess.run([find("postfix"), "-c", str(conf), "start"], check=True, capture_output=True)
        until(lambda: listens(ports["smtp"]), "Postfix")

    def connector(self):
        (self.folder / "token").write_text("secret\n")
        self.start(str(self.binaries / "pharos-smtp"), f"--dispatch=127.0.0.1:{self.dispatch.port}", "--host=localhost",
                   f"--port={self.ports['smtp']}", f"--ca-file={self.folder}/tls.pem", f"--token-file={self.folder}/token",
                   "--bounce-domain=bounce.example.test", f"--token-key-file={self.folder}/tokens", "--ehlo=client.example.test",
                   f"--listen=127.0.0.1:{self.ports['listener']}", "--dkim-domain=example.test",
                   f"--dkim-key-file={self.folder}/rsa.pem", "--dkim-selector=r1",
                   f"--dkim-ed25519-key-file={self.folder}/ed.pem", "--dkim-ed25519-selector=e1", name="pharos-smtp")
        until(lambda: self.dispatch.links and self.dispatch.links[-1].up, "the link to Postfix")

    def delivered(self, folder, count):
        pattern = str(self.folder / folder / "new" / "*")
        until(lambda: len(glob.glob(pattern)) >= count, f"{count} mails in {folder}")
        newest = max(glob.glob(pattern), key=os.path.getmtime)
        return pathlib.Path(newest).read_bytes()


def check(condition, words):
    if not condition:
        raise AssertionError(words)


def a_mail_goes_through_starttls_and_both_signatures_hold(mail):
    import dkim
    _, outcome = mail.dispatch.send("anna@example.test")
    check(outcome.HasField("accepted"), outcome)
    raw = mail.delivered("mail/inbox", 1)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    results = " ".join(parsed.get_all("Authentication-Results"))
    check("dkim=pass" in results, results)
    check("TLS" in " ".join(parsed.get_all("Received")), "no TLS in Received")
    signed = raw[raw.index(b"DKIM-Signature:"):].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    lookup = lambda name, timeout=5: mail.dns.get(name.decode().rstrip("."), "").encode()
    for index, what in enumerate(("rsa-sha256", "ed25519-sha256")):
        verifier = dkim.DKIM(signed)
        check(verifier.verify(idx=index, dnsfunc=lookup), f"dkimpy says no to signature {index}")
        check(verifier.signature_fields[b"a"].decode() == what, "another algorithm")
        names = verifier.signature_fields[b"h"].decode().replace(" ", "").replace("\r\n", "").split(":")
        for name in ("list-unsubscribe", "list-unsubscribe-post", "from", "subject"):
            check(names.count(name) == 2, f"{name} is signed {names.count(name)} times")


def it_parses_with_its_parts_and_ways_out(mail):
    raw = mail.delivered("mail/inbox", 1)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    check([part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"], "parts")
    check(parsed.get_body(("plain",)).get_content().splitlines()[:3] == ["Hello Anna,", ".", "come at 10."], "text")
    check("Änna" in parsed.get_body(("html",)).get_content(), "html")
    check(parsed["List-Unsubscribe"].strip().startswith("<https://u.example.test/1/abc>,"), parsed["List-Unsubscribe"])
    check(parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", "one click")
    check("Clínic" in parsed["From"], parsed["From"])
    check(parsed["Return-Path"].startswith("<b+"), parsed["Return-Path"])


def an_unknown_user_is_a_hard_bounce_at_once(mail):
    _, outcome = mail.dispatch.send("nobody@example.test")
    check(outcome.rejected.hard_bounce and outcome.rejected.code == "550 5.1.1", outcome)


def a_notification_of_postfix_comes_back_and_is_a_hard_bounce(mail):
    attempt, outcome = mail.dispatch.send("ghost@nobody.test")
    check(outcome.HasField("accepted"), outcome)
    receipt = until(lambda: [r for r in mail.dispatch.receipts if r.provider_id == attempt.id.hex()], "a notification")[0]
    check(receipt.hard_bounce and receipt.error_code == "5.1.1" and receipt.state == 5, receipt)


def addresses_beyond_ascii_go_through(mail):
    before = len(glob.glob(str(mail.folder / "mail/inbox/new/*")))
    _, outcome = mail.dispatch.send("änna@example.test")
    check(outcome.HasField("accepted"), outcome)
    mail.delivered("mail/inbox", before + 1)


def dovecot_takes_it_by_lmtp(mail):
    _, outcome = mail.dispatch.send("berta@dove.test", subject="Grüße, with words enough that this subject must be folded twice")
    check(outcome.HasField("accepted"), outcome)
    parsed = email.message_from_bytes(mail.delivered("dove/berta", 1), policy=email.policy.default)
    check(parsed["Subject"] == "Grüße, with words enough that this subject must be folded twice", parsed["Subject"])


CASES = [a_mail_goes_through_starttls_and_both_signatures_hold, it_parses_with_its_parts_and_ways_out,
         an_unknown_user_is_a_hard_bounce_at_once, a_notification_of_postfix_comes_back_and_is_a_hard_bounce,
         addresses_beyond_ascii_go_through, dovecot_takes_it_by_lmtp]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="leave the folder for looking into")
    options = parser.parse_args()
    lack = missing()
    if lack and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.path.exists(SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])  # Debian's packages are in Debian's own Python
    if os.geteuid() != 0:
        lack.append("root")
    if lack:
        print("missing: " + " ".join(sorted(set(lack))))
        return 2
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mail-peer-"))
    os.chmod(folder, 0o755)
    mail, passed, failed = None, 0, 0
    try:
        mail = Mail.__new__(Mail)
        mail.running = []
        mail.__init__(folder, options.bin.resolve())
        for case in CASES:
            try:
                case(mail)
                passed += 1
                print(f"ok      {case.__name__}")
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                print(f"FAILED  {case.__name__}: {error}")
    finally:
        mail.stop()
        if options.keep or failed:
            print(f"look into {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
