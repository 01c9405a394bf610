"""How AWS words errors: by protocol (JSON 1.1, query, EC2's query) and by service."""

import html
import json
import uuid

from .web import Answer

JSON = "application/x-amz-json-1.1"
EC2, QUERY = "ec2", "query"

# service of the credential scope: (protocol, X-Amz-Target's prefix or the form's Version, name in error texts)
SERVICES = {
    "ecr": (JSON, "AmazonEC2ContainerRegistry_V20150921"),
    "ecr-public": (JSON, "SpencerFrontendService"),
    "ec2-instance-connect": (JSON, "AWSEC2InstanceConnectService"),
    "ssm": (JSON, "AmazonSSM"),
    "sts": (QUERY, "2011-06-15"),
    "sns": (QUERY, "2010-03-31"),
    "ec2": (EC2, "2016-11-15"),
}
XMLNS = {"sts": "https://sts.amazonaws.com/doc/2011-06-15/", "sns": "http://sns.amazonaws.com/doc/2010-03-31/"}

MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
            "Key and signing method. Consult the service documentation for details.")
INVALID = "The security token included in the request is invalid."
EC2_FAILURE = "AWS was not able to validate the provided access credentials"

# What can be wrong with a request's credentials: (status, code, message) by protocol; {0} is the particular text
REFUSALS = {
    "missing": {JSON: (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
                QUERY: (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
                EC2: (401, "AuthFailure", EC2_FAILURE)},
    "incomplete": {JSON: (400, "IncompleteSignatureException", "{0}"), QUERY: (400, "IncompleteSignature", "{0}"),
                   EC2: (401, "AuthFailure", EC2_FAILURE)},
    "unknown": {JSON: (400, "UnrecognizedClientException", INVALID), QUERY: (403, "InvalidClientTokenId", INVALID),
                EC2: (401, "AuthFailure", EC2_FAILURE)},
    "mismatch": {JSON: (400, "InvalidSignatureException", MISMATCH), QUERY: (403, "SignatureDoesNotMatch", MISMATCH),
                 EC2: (401, "AuthFailure", EC2_FAILURE)},
    "unsigned": {JSON: (400, "InvalidSignatureException", "{0}"), QUERY: (403, "SignatureDoesNotMatch", "{0}"),
                 EC2: (401, "AuthFailure", EC2_FAILURE)},
    "clock": {JSON: (400, "InvalidSignatureException", "{0}"), QUERY: (403, "SignatureDoesNotMatch", "{0}"),
              EC2: (401, "AuthFailure", EC2_FAILURE)},
    "expired": {JSON: (400, "ExpiredTokenException", "The security token included in the request is expired"),
                QUERY: (403, "ExpiredToken", "The security token included in the request is expired"),
                EC2: (400, "RequestExpired", "Request has expired.")},
    "denied": {JSON: (400, "AccessDeniedException", "{0}"), QUERY: (403, "AccessDenied", "{0}"),
               EC2: (403, "UnauthorizedOperation", "You are not authorized to perform this operation. {0}"),
               "sns": (403, "AuthorizationError", "{0}")},
}


class Refused(Exception):
    """A call that AWS answers with an error."""

    def __init__(self, status, code, message):
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


def refusal(service, what, text=""):
    rows = REFUSALS[what]
    status, code, message = rows.get(service) or rows[SERVICES.get(service, (QUERY, ""))[0]]
    return Refused(status, code, message.format(text))


def error(service, refused):
    """The answer that tells it."""
    request_id = str(uuid.uuid4())
    kind = SERVICES.get(service, (QUERY, ""))[0]
    if kind == JSON:
        body = json.dumps({"__type": refused.code, "message": refused.message}).encode()
        return Answer(refused.status, body, {"Content-Type": JSON, "x-amzn-RequestId": request_id})
    message = html.escape(refused.message, quote=False)
    if kind == EC2:
        text = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{refused.code}</Code><Message>'
                f"{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>")
    else:
        text = (f'<ErrorResponse xmlns="{XMLNS.get(service, XMLNS["sts"])}">\n  <Error>\n    <Type>Sender</Type>\n'
                f"    <Code>{refused.code}</Code>\n    <Message>{message}</Message>\n  </Error>\n"
                f"  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n")
    return Answer(refused.status, text.encode(), {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})


def json_answer(value):
    return Answer(200, json.dumps(value).encode(), {"Content-Type": JSON, "x-amzn-RequestId": str(uuid.uuid4())})


def xml_answer(text):
    return Answer(200, text.encode(), {"Content-Type": "text/xml", "x-amzn-RequestId": str(uuid.uuid4())})
