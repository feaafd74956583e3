"""Addresses of the network, e-mail, and keys: what programs leave in text."""

from __future__ import annotations

from cleaning.pii.kinds import Form, PiiType

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_VERSION = r"(?i)(?:版本号?|version|ver\.?|(?<![a-z])v|固件|内核|build|release|升级到|更新到|第|§|section|chapter|draft|chrome/|firefox/|oid[:：]?)[\s:：为至到是]{0,2}[`'\"(（]?$"

URL = PiiType(
    name="url",
    about="web address: found first, so that nothing is seen in its digits",
    forms=(Form(r"(?i)(?:https?|ftp)://[!-~]{1,2048}|www\.[a-z0-9\-]{1,63}\.[!-~]{1,2048}", ("url",), "url"),),
    zh="<网址>",
    en="<URL>",
    source="RFC 3986, ASCII only: it ends at the first Han character or blank",
    hits=(("详见https://a.com/x?y=1，谢谢", "https://a.com/x?y=1"), ("官网www.abc.com了解", "www.abc.com")),
    misses=("http和https", "http://", "awww.x"),
    action="keep",
    proved=False,
)

EMAIL = PiiType(
    name="email",
    about="e-mail address",
    forms=(
        Form(
            rf"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_](?:[A-Za-z0-9._%+\-]{{0,62}}[A-Za-z0-9_+\-])?@(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}}(?![A-Za-z0-9@])",
            ("at",), "email", unless=r"://$|(?:scp|rsync|ssh)(?: -\S{1,20}){0,3} $",
        ),
    ),
    zh="<邮箱>",
    en="<EMAIL>",
    source="RFC 5321, ASCII local part; glued to Han, which a word boundary would miss",
    hits=(
        ("请发邮件至zhang.san@example.com.cn，谢谢", "zhang.san@example.com.cn"), ("邮箱abc@qq.com联系", "abc@qq.com"), ("ａｂｃ＠ｑｑ．ｃｏｍ", "ａｂｃ＠ｑｑ．ｃｏｍ"),
        ("mail <bob_1+x@sub.example.org>", "bob_1+x@sub.example.org"), ("write to a@b.co.", "a@b.co"),
    ),
    misses=("@property def", "git@@x", "icon@2x.png", "git@github.com:a/b.git", "//@用户名:转发", "a@b", "x@example.invalid"),
)  # fmt: skip

IPV4 = PiiType(
    name="ipv4",
    about="IPv4 address of the public internet; not a version number",
    forms=(
        Form(
            r"(?<![0-9A-Za-z.])(?<![0-9A-Za-z][\-/_])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![0-9A-Za-z]|[.\-][0-9A-Za-z]|/(?:8|9|[12]\d|3[01])(?![0-9]))",
            ("ip4",), "ipv4", unless=_VERSION,
        ),
    ),
    zh="<IP地址>",
    en="<IP>",
    source="RFC 791; IANA special-purpose address registry; FineWeb masks public addresses only",
    hits=(("服务器8.8.8.8上", "8.8.8.8"), ("from 114.114.114.114:8080", "114.114.114.114"), ("ＩＰ：１１４．１１４．１１４．１１４", "１１４．１１４．１１４．１１４")),
    misses=("1.2.3.4.5", "192.168.1.1", "版本1.2.3.4", "v8.8.8.8", "8.8.8.12345", "Chrome/83.0.4103.61", "network 17.0.0.0/8"),
)  # fmt: skip

IPV6 = PiiType(
    name="ipv6",
    about="IPv6 address of the public internet",
    forms=(Form(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:]|\.[0-9])", ("hex",), "ipv6"),),
    zh="<IP地址>",
    en="<IP>",
    source="RFC 4291",
    hits=(("DNS 2001:4860:4860::8888。", "2001:4860:4860::8888"), ("地址2400:3200:0:0:0:0:0:1可用", "2400:3200:0:0:0:0:0:1")),
    misses=("12:30:45", "fe80::1", "2001:db8::1", "std::vector", "10:20:30:40:50:60"),
)

MAC = PiiType(
    name="mac",
    about="address of a network card",
    forms=(Form(r"(?<![0-9A-Za-z:\-])[0-9A-Fa-f]{2}(?P<s>[:\-])(?:[0-9A-Fa-f]{2}(?P=s)){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z:\-])", ("hex",), "mac"),),
    zh="<MAC地址>",
    en="<MAC>",
    source="IEEE 802",
    hits=(("MAC 00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E"), ("网卡00-1a-2b-3c-4d-5e。", "00-1a-2b-3c-4d-5e")),
    misses=("00:1A-2B:3C:4D:5E", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "00:1A:2B:3C:4D:5E:6F", "2020-10-12-13-14-15"),
)

_NAMED = r"(?i)(?<!public)(?:(?<!publickey)token|api[_\- ]?key|access[_\- ]?key|secret|passwd|password|密钥|密码|口令|private[_\- ]?key|credential|app[_\- ]?key)[A-Za-z_]{0,12}[\"']?\s{0,2}(?:[:：=]|=>|是|为|is)\s{0,2}[\"'`]?$"
SECRET = PiiType(
    name="secret_key",
    about="keys of services by their prefix, private keys, and random strings that are called a key or a password",
    forms=(
        Form(
            r"(?<![0-9A-Za-z_\-])(?:(?:AKIA|ASIA|AGPA|AIDA|AROA)[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36,251}|github_pat_[0-9A-Za-z_]{60,90}|glpat-[0-9A-Za-z_\-]{20}"
            r"|xox[abeprs]-[0-9A-Za-z\-]{10,72}|AIza[0-9A-Za-z_\-]{35}|sk-(?:ant-|proj-)?[0-9A-Za-z_\-]{20,160}|(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z]{16,99}"
            r"|LTAI[0-9A-Za-z]{12,24}|AKID[0-9A-Za-z]{13,40}|hf_[0-9A-Za-z]{30,40}|npm_[0-9A-Za-z]{36}|SG\.[0-9A-Za-z_\-]{16,32}\.[0-9A-Za-z_\-]{16,64}"
            r"|eyJ[0-9A-Za-z_\-]{10,1000}\.eyJ[0-9A-Za-z_\-]{10,1500}\.[0-9A-Za-z_\-]{10,700}|ya29\.[0-9A-Za-z_\-]{20,200})(?![0-9A-Za-z_])",
            ("key",), "secret", unless=r"[0-9A-Za-z_\-]$",
        ),
        Form(r"-----BEGIN (?:[A-Z]{2,8} ){0,3}PRIVATE KEY-----[\sA-Za-z0-9+/=:,\-]{16,6000}?-----END (?:[A-Z]{2,8} ){0,3}PRIVATE KEY-----", ("pem",)),
        Form(r"[0-9A-Za-z_\-+/=.]{16,200}(?![0-9A-Za-z_\-+/=.])", ("named",), "random_secret", _NAMED, before=40, after=0),
    ),
    zh="<密钥>",
    en="<SECRET_KEY>",
    source="the providers' documented prefixes; entropy as in detect-secrets and BigCode",
    hits=(
        ("key=AKIAQ3EGRIZ7T4WBHXYZ", "AKIAQ3EGRIZ7T4WBHXYZ"), ("token ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----"),
        ('api_key = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"', "9f8e7d6c5b4a39281706f5e4d3c2b1a0"),
    ),
    misses=("AKIAXXXXXXXXXXXXXXXX", 'api_key = "your_api_key_goes_here"', "commit 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "password = get_password_from_env()", "PublicKeyToken=31bf3856ad364e35", "newPassword: \"MyNewPassword123\""),
)  # fmt: skip

TYPES = (URL, EMAIL, IPV4, IPV6, MAC, SECRET)
