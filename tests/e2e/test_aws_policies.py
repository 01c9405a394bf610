"""The policies that docs/aws.md hands out allow the calls that the code makes, and nothing else."""

import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/iam"
PAGE = ROOT / "docs/aws.md"

# Whose calls a policy allows: files of the code. Each call of the code must be in one of them.
ECR = ["shared/aws/ecr*.c"]
CALLERS = {
    "ecr-pull.json": ECR,
    "ecr-pull-runner.json": ECR,
    "ecr-public-pull.json": ECR,
    "ecr-repository-other-account.json": ECR,
    "find-host.json": ["cmd/aws/instance*.c"],
    "instance-connect.json": ["cmd/aws/connectkey*.c"],
    "instance-connect-by-tag.json": ["cmd/aws/connectkey*.c"],
    "host-keys.json": ["cmd/aws/hostkeys*.c"],
    "open-port.json": ["cmd/aws/ingress*.c"],
    "sns.json": ["cmd/notify/notify_sns*.c"],
    "chained-role.json": ["shared/aws/aws_sts*.c", "shared/aws/aws_link_*.c"],
}
# ECR's two kinds and their parts are in one file; a repository's own policy cannot allow what belongs to no repository.
LEFT_OUT = {
    "ecr-pull.json": {"ecr-public:GetAuthorizationToken"},
    "ecr-pull-runner.json": {"ecr-public:GetAuthorizationToken"},
    "ecr-repository-other-account.json": {"ecr-public:GetAuthorizationToken", "ecr:GetAuthorizationToken"},
    "ecr-public-pull.json": {"ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:DescribeImages",
                             "ecr:DescribeImageScanFindings", "ecr:GetDownloadUrlForLayer"},
}
# What AWS asks for beyond the action of a call's own name, and the condition that keeps it to that.
BESIDES = {
    "ecr-public-pull.json": {"sts:GetServiceBearerToken": "sts:AWSServiceName"},
    "open-port.json": {"ec2:CreateTags": "ec2:CreateAction"},
    "ecr-pull.json": {"ecr:GetDownloadUrlForLayer": None},  # what Docker fetches a layer with
    "ecr-pull-runner.json": {"ecr:GetDownloadUrlForLayer": None},
    "ecr-repository-other-account.json": {"ecr:GetDownloadUrlForLayer": None},
}
TRUST = {"trust-github.json", "trust-github-immutable.json", "trust-ec2.json", "trust-chained.json"}
# A step of the user's own workflow, not a call of ours.
BY_HAND = {"ssm-session.json"}
# Actions that belong to no resource, in AWS's service authorization reference.
NO_RESOURCE = {"ecr:GetAuthorizationToken", "ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken",
               "ec2:DescribeInstances", "ec2:DescribeSecurityGroupRules"}
# A resource that is not known before the call: which condition holds it.
OPEN_ENDED = {
    "instance-connect-by-tag.json": "aws:ResourceTag/Name",
    "open-port.json": "aws:RequestTag/bluegreen-action|aws:ResourceTag/bluegreen-action",
    "ssm-session.json": "aws:ResourceTag/|ssm:resourceTag/",
}
PLACEHOLDERS = {"REGION", "ACCOUNT", "OTHER_ACCOUNT", "REPOSITORY", "INSTANCE", "NAME", "SECURITY_GROUP", "TOPIC", "ROLE",
                "NEXT_ROLE", "ORG", "ORG_ID", "REPO", "REPO_ID", "ENVIRONMENT", "EXTERNAL_ID"}

FILES = sorted(p.name for p in FOLDER.iterdir())
each = pytest.mark.parametrize("name", FILES)
each_policy = pytest.mark.parametrize("name", sorted(CALLERS))


def listed(value):
    return [value] if isinstance(value, (str, dict)) else list(value)


def statements(name):
    policy = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert set(policy) == {"Version", "Statement"} and policy["Version"] == "2012-10-17", name
    return policy["Statement"]


def actions(name):
    return {a for s in statements(name) for a in listed(s["Action"])}


def conditions(statement):
    """Keys that a statement asks about."""
    return {key for test in statement.get("Condition", {}).values() for key in test}


def operations():
    """name in the code -> IAM's action, of every operation that the code can call."""
    text = (ROOT / "shared/aws/aws_call.c").read_text(encoding="utf-8")
    rows = re.findall(r'\[(AWS_\w+)\] = \{\s*AWS_\w+,\s*"(\w+)",\s*"([\w:-]*)",', text)
    names = re.search(r"enum aws_op \{(.*?)\}", (ROOT / "shared/aws/aws_call.h").read_text(encoding="utf-8"), re.S)[1]
    names = re.findall(r"^ +(AWS_\w+),", names, re.M)
    assert [row[0] for row in rows] == [n for n in names if n != "AWS_OPS"], "a row of the table was not understood"
    for op, name, action in rows:
        assert not action or action.endswith(f":{name}"), f"{op}: {action}"
    return {op: action for op, _, action in rows}


def called_in(path, ops):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    return {op for op in ops if re.search(rf"\b{op}\b", text)}


def called(name, ops):
    """Actions that the files behind a policy call."""
    paths = [p for pattern in CALLERS[name] for p in sorted(ROOT.glob(pattern))]
    assert paths, f"{name}: none of {CALLERS[name]} is there"
    return {ops[op] for p in paths for op in called_in(p, ops)} - {""}


def test_every_policy_is_known_and_none_is_missing():
    assert set(FILES) == set(CALLERS) | TRUST | BY_HAND


def test_every_operation_of_the_table_is_called_behind_a_policy():
    ops = operations()
    table = ROOT / "shared/aws/aws_call.c"
    behind = {p for patterns in CALLERS.values() for pattern in patterns for p in ROOT.glob(pattern)}
    seen = set()
    for folder in ("shared", "cmd", "agent"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            found = called_in(path, ops) if path != table else set()
            seen |= found
            assert not {ops[op] for op in found} - {""} or path in behind, f"{path.name} calls {found}: which policy allows it?"
    assert seen == set(ops), f"nothing calls {set(ops) - seen}"


@each_policy
def test_a_policy_allows_what_the_code_calls_and_nothing_else(name):
    besides = BESIDES.get(name, {})
    wanted = called(name, operations()) - LEFT_OUT.get(name, set())
    assert actions(name) == wanted | set(besides)
    for statement in statements(name):
        for action in set(listed(statement["Action"])) & set(besides):
            key = besides[action]
            assert key is None or key in conditions(statement), f"{action} without a condition on {key}"


@each
def test_a_policy_is_as_narrow_as_iam_lets_it_be(name):
    for s in statements(name):
        assert s["Effect"] == "Allow" and re.fullmatch(r"[A-Za-z]+", s["Sid"]), s
        assert set(s) <= {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}, s
        for action in listed(s["Action"]):
            assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action), f"{action}: an action by its name, no pattern"
        if "Resource" not in s:
            assert "Principal" in s, "only a policy of a resource goes without"
            continue
        for resource in listed(s["Resource"]):
            if resource == "*":
                assert set(listed(s["Action"])) <= NO_RESOURCE, s
                continue
            assert not set(listed(s["Action"])) & NO_RESOURCE, s
            match = re.fullmatch(r"arn:aws:[a-z0-9-]+:(REGION)?:(ACCOUNT|OTHER_ACCOUNT)?:([^*]+)(\*?)", resource)
            assert match, resource
            if match[4]:
                assert any(re.search(OPEN_ENDED[name], key) for key in conditions(s)), f"{resource} without a condition"


@each
def test_what_is_to_be_filled_in_is_known(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    words = set(re.findall(r"\b[A-Z][A-Z_]+\b", text)) - {"AWS"}
    assert words <= PLACEHOLDERS, words - PLACEHOLDERS
    assert not re.search(r"\d{12}", text), "no account of anybody's"


def test_the_trust_policies_name_one_repository_and_the_audience():
    subjects = {"trust-github.json": "repo:ORG/REPO:environment:ENVIRONMENT",
                "trust-github-immutable.json": "repo:ORG@ORG_ID/REPO@REPO_ID:environment:ENVIRONMENT"}
    for name, subject in subjects.items():
        (s,) = statements(name)
        issuer = "token.actions.githubusercontent.com"
        assert s["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert s["Principal"] == {"Federated": f"arn:aws:iam::ACCOUNT:oidc-provider/{issuer}"}
        assert s["Condition"] == {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}}


# ---- the page ----


def features():
    """Rows of the page's table: (inputs, policies, actions)."""
    block = re.search(r"<!-- features -->\n(.*?)<!-- /features -->", PAGE.read_text(encoding="utf-8"), re.S)[1]
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in block.splitlines() if line.strip()][2:]
    return [(re.findall(r"`([a-z0-9-]+)`", inputs), re.findall(r"\(iam/([\w.-]+)\)", policies),
             set(re.findall(r"`([a-z0-9-]+:\w+)`", allowed))) for _, inputs, policies, allowed in rows]


def test_the_page_links_every_policy():
    linked = set(re.findall(r"\(iam/([\w.-]+\.json)\)", PAGE.read_text(encoding="utf-8")))
    assert linked == set(FILES)


def test_the_table_of_features_says_what_its_policies_say():
    rows = features()
    assert len(rows) >= 8
    for inputs, policies, allowed in rows:
        assert allowed == set().union(*(actions(p) for p in policies)), f"{inputs}: {allowed}"
    assert {p for _, policies, _ in rows for p in policies} == set(FILES) - BY_HAND - {
        "trust-github-immutable.json", "trust-ec2.json", "trust-chained.json"}


def test_the_table_of_features_names_every_aws_input():
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    of_aws = text[text.index("  # AWS\n"):text.index("  job-status:")]
    names = set(re.findall(r"^  ([a-z0-9-]+):$", of_aws, re.M)) | {"sns-topic", "host"}
    assert len(names) > 15
    assert {i for inputs, _, _ in features() for i in inputs} - {"image"} == names


@pytest.mark.parametrize("page", ["docs/aws.md", "docs/inputs.md", "docs/troubleshooting.md", "README.md", "SECURITY.md"])
def test_links_between_the_pages_lead_somewhere(page):
    path = ROOT / page
    for target, anchor in re.findall(r"\]\(((?!https?:)[^)#]*)(?:#([^)]+))?\)", path.read_text(encoding="utf-8")):
        to = (path.parent / target).resolve() if target else path
        assert to.exists(), f"{page}: {target}"
        if anchor:
            heads = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
                     for h in re.findall(r"^#+ (.+)$", to.read_text(encoding="utf-8"), re.M)]
            assert anchor in heads, f"{page}: {target}#{anchor}"


def said_by_the_code():
    """Every text of the sources, literals that stand together joined; what is filled in at run time is a line break."""
    out = []
    for folder in ("shared", "cmd", "agent"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            for run in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', path.read_text(encoding="utf-8")):
                text = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', run)).replace('\\"', '"')
                out.append(re.sub(r"%[-.*0-9]*(?:zu|l?[dsu])", "\n", text))
    return "\n".join(out)


def test_what_the_page_says_that_it_says_is_said():
    """First cells of the tables of failures: words in back-ticks, with … for what differs."""
    text = PAGE.read_text(encoding="utf-8")
    cells = re.findall(r"^\| (.*?) \|", text[text.index("## When it fails"):], re.M)
    quoted = [q for cell in cells for q in re.findall(r"`([^`]+)`", cell) if len(q) > 12 and " " in q]
    assert len(quoted) > 25
    code, missing = said_by_the_code(), []
    for q in quoted:
        for part in q.split("…"):
            part = part.strip(" '")
            if part and part not in code:
                missing.append((q, part))
    assert not missing


def test_the_function_of_the_page_fills_every_policy_in():
    function = re.search(r"^fill\(\) \{\n.*?^\}\n", PAGE.read_text(encoding="utf-8"), re.M | re.S)[0]
    values = [f"{word}=x{i}" for i, word in enumerate(sorted(PLACEHOLDERS - {"ACCOUNT", "REGION"}))]
    for name in FILES:
        script = f'ACCOUNT=123456789012 AWS_REGION=eu-central-1\n{function}fill "$@"\n'
        p = subprocess.run(["bash", "-euc", script, "-", name, *values], cwd=ROOT, capture_output=True, text=True, check=True)
        json.loads(p.stdout)
        assert not set(re.findall(r"\b[A-Z][A-Z_]+\b", p.stdout)) & PLACEHOLDERS, name


# ---- the policies at work ----

ADDRESS = "203.0.113.7"
OF_THE_JOB = ("find-host.json", "instance-connect.json", "host-keys.json", "open-port.json", "sns.json")


def filled(names, words):
    """One document of several files, with what stands in capitals filled in."""
    text = json.dumps({"Version": "2012-10-17", "Statement": [s for n in names for s in statements(n)]})
    return json.loads(re.sub("|".join(rf"\b{w}\b" for w in words), lambda m: words[m[0]], text))


class Keyless:
    """Everything of AWS in one run, with these policies and no right more."""

    def __init__(self, site, aws):
        self.site, self.aws = site, aws
        instance = aws.instance(site.host, name="shop-production")
        topic = aws.topic("deployments")
        aws.parameter(f"/bluegreen/host-keys/{instance.id}", site.host.fingerprint())
        self.words = {"REGION": aws.region, "ACCOUNT": aws.account, "REPOSITORY": "app", "INSTANCE": instance.id,
                      "NAME": "shop-production", "SECURITY_GROUP": instance.group, "TOPIC": topic.rpartition(":")[2]}
        aws.policy(filled(["ecr-pull.json"], self.words), who="host")
        self.let(OF_THE_JOB)
        self.inputs = aws.inputs(
            "v1", who=None, role_to_assume=aws.role("deploy"), host="tag:Name=shop-production", host_fingerprint=None, ssh_key=None,
            ssh_auth="instance-connect", aws_host_keys=f"parameter:/bluegreen/host-keys/{instance.id}", open_port_22="true",
            runner_address=ADDRESS, security_group=instance.group, ecr_auth="host-role", sns_topic=topic, notify_on="always")

    def let(self, names):
        self.aws.policy(filled(names, self.words), who="deploy")

    def run(self, **over):
        return self.site.run(offers=self.aws.oidc, **{**self.inputs, **over})


def test_a_keyless_deployment_needs_these_policies_and_each_of_them(site, aws):
    k = Keyless(site, aws)
    result = k.run()
    assert result.exit_code == 0 and not result.warnings, result
    assert aws.rules(k.words["SECURITY_GROUP"]) == []
    assert aws.published and aws.pushed_keys
    for name in OF_THE_JOB:
        k.let([n for n in OF_THE_JOB if n != name])
        result = k.run(command="status", image=None)
        told = "\n".join(f"{a.title}: {a.message}" for a in [*result.errors, *result.warnings]) + result.shown()
        assert any(action in told for action in actions(name)), f"{name}: {result}"
        if name != "sns.json":
            assert result.exit_code == 38, f"{name}: {result}"


def test_policies_for_another_instance_group_or_user_open_nothing(site, aws):
    k = Keyless(site, aws)
    for word, value in (("INSTANCE", "i-0123456789abcdef0"), ("SECURITY_GROUP", "sg-0123456789abcdef0"), ("REGION", "us-east-1")):
        aws.policy(filled(OF_THE_JOB, {**k.words, word: value}), who="deploy")
        assert k.run(command="status", image=None).exit_code == 38, word
    k.let([*(n for n in OF_THE_JOB if n != "instance-connect.json"), "instance-connect-by-tag.json"])
    assert k.run(command="status", image=None).exit_code == 0
    assert k.run(command="status", image=None, user="ubuntu").exit_code == 38
    aws.tag(aws.instance_id, "Name", "another")
    assert k.run(command="status", image=None, host=aws.instance_id).exit_code == 38


@pytest.mark.parametrize("name, subject", [("trust-github.json", "repo:octo/shop:environment:production"),
                                           ("trust-github-immutable.json", "repo:octo@583231/shop@1296269:environment:production")])
def test_a_trust_policy_lets_in_its_form_of_the_subject_and_no_other(site, aws, name, subject):
    k = Keyless(site, aws)
    words = {"ORG": "octo", "REPO": "shop", "ORG_ID": "583231", "REPO_ID": "1296269", "ENVIRONMENT": "production"}
    aws.trust("deploy", [filled([name], words)["Statement"][0]["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]])
    for claim, code in ((subject, 0), (subject.replace("production", "staging"), 38), (subject.replace("shop", "shop2"), 38),
                        ("repo:octo/shop:ref:refs/heads/main", 38)):
        aws.identity(sub=claim)
        assert k.run(command="status", image=None).exit_code == code, claim
