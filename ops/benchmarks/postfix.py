"""Postfix relaying to the same simulated mailboxes: 20 sessions inject 4 KiB mails while it delivers, counted from the first injected
to the last accepted by the mailboxes. Not signed: signing would only slow it down."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

from ports import free_port
from system import Broken, wait_for_port, Process

PATIENCE_S = 300


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def relay(bin_folder, folder, messages, say):
    for program in ("postfix", "smtp-source"):
        if not find(program):
            raise Broken(f"{program} is not installed; run ops/setup peer")
    if os.getuid() != 0:
        raise Broken("Postfix needs root")
    ports = {name: free_port() for name in ("smtp", "mail", "smsc")}
    journal = os.path.join(folder, "journal")
    sandbox = Process("pharos-sandbox", [
        os.path.join(bin_folder, "pharos-sandbox"), f"--listen=127.0.0.1:{ports['smsc']}", f"--mail-listen=127.0.0.1:{ports['mail']}",
        f"--mail-tls-dir={folder}/tls", f"--journal={journal}", "--reply-stop-percent=0", "--fail-percent=0"],
        os.path.join(folder, "sandbox.log"))
    conf = configure(pathlib.Path(folder), ports)
    sandbox.start()
    try:
        wait_for_port(sandbox, ports["mail"], 10)
        subprocess.run([find("postfix"), "-c", str(conf), "start"], check=True, capture_output=True)
        time.sleep(1.5)
        say(f"Postfix: {messages:,} mails in 20 sessions …")
        begin = time.time()
        subprocess.run([find("smtp-source"), "-d", "-s", "20", "-l", "4096", "-m", str(messages), "-f", "news@pharos.example.org",
                        "-t", "ann@d1.example", f"127.0.0.1:{ports['smtp']}"], check=True, capture_output=True)
        return messages / (await_all(journal, messages) - begin)
    except subprocess.CalledProcessError as error:
        raise Broken(f"Postfix: {error.stderr.decode(errors='replace').strip()[:300]}") from error
    finally:
        subprocess.run([find("postfix"), "-c", str(conf), "stop"], check=False, capture_output=True)
        sandbox.child.send_signal(signal.SIGTERM)
        sandbox.stop()


def await_all(journal, messages):
    until = time.monotonic() + PATIENCE_S
    count, offset = 0, 0
    while time.monotonic() < until:
        with open(journal, "rb") as file:
            file.seek(offset)
            data = file.read()
        offset += len(data)
        count += data.count(b'"event":"mail"')
        if count >= messages:
            return time.time()
        time.sleep(0.02)
    raise Broken(f"Postfix delivered {count:,} of {messages:,}")


def configure(folder, ports):
    conf = folder / "postfix"
    for name in ("postfix", "queue", "data", "log"):
        (folder / name).mkdir(exist_ok=True)
    user = pwd.getpwnam("postfix")
    os.chown(folder / "data", user.pw_uid, user.pw_gid)
    (conf / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.pharos.example.org
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
relayhost = [127.0.0.1]:{ports['mail']}
smtp_tls_security_level = may
smtp_destination_concurrency_limit = 50
default_destination_concurrency_limit = 50
smtpd_client_connection_count_limit = 0
import_environment = MAIL_CONFIG
""")
    dist = next(path for path in ("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf.proto", "/etc/postfix/master.cf")
                if os.path.exists(path))
    lines = []
    for line in pathlib.Path(dist).read_text(encoding="utf-8").splitlines():
        words = line.split()
        if line.startswith("smtp      inet"):
            continue
        if len(words) >= 8 and line[:1] not in (" ", "#"):
            words[4] = "n"  # no chroot
            line = " ".join(words)
        lines.append(line)
    (conf / "master.cf").write_text(f"127.0.0.1:{ports['smtp']} inet n - n - - smtpd\n" + "\n".join(lines) + "\n")
    return conf
