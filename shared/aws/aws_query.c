#include "shared/aws/aws_query.h"

#include "shared/aws/aws_error.h"
#include "shared/http.h"

#define FORM_MAX (1024 * 1024) /* a message of 256 KiB, each byte as %XX */

/* The version of each service's API, which is a part of the form. */
static const char *const versions[AWS_SERVICES] = {
    [AWS_EC2] = "2016-11-15",
    [AWS_STS] = "2011-06-15",
    [AWS_SNS] = "2010-03-31",
};

void aws_form_init(struct aws_form *f, enum aws_op op)
{
    const struct aws_op_info *info = aws_op_info(op);
    buf_init(&f->text, FORM_MAX);
    buf_addf(&f->text, "Action=%s&Version=%s", info->name, versions[info->service]);
}

void aws_form_add(struct aws_form *f, const char *name, const char *value)
{
    struct span rest = span_of(value), part;
    buf_addc(&f->text, '&');
    http_escape(span_of(name), &f->text);
    buf_addc(&f->text, '=');
    while (rest.len > 0) {
        const char *blank = memchr(rest.ptr, ' ', rest.len);
        part = (struct span){ .ptr = rest.ptr, .len = blank ? (size_t)(blank - rest.ptr) : rest.len };
        http_escape(part, &f->text);
        if (blank)
            buf_addc(&f->text, '+');
        rest.ptr += part.len + (blank ? 1 : 0);
        rest.len -= part.len + (blank ? 1 : 0);
    }
    if (f->text.failed)
        f->text.len = 0; /* aws_query() refuses it: half a form is another request */
}

void aws_form_add_int(struct aws_form *f, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    aws_form_add(f, name, text);
}

void aws_form_done(struct aws_form *f)
{
    buf_wipe_done(&f->text);
}

/* STS, SNS: ErrorResponse/Error; EC2: Response/Errors/Error. */
static bool read_error(struct span body, struct aws_error_words *ret)
{
    _cleanup_(xml_free_p) struct xml *x = NULL;
    if (xml_parse(body, &x, NULL) < 0)
        return false;
    const struct xml_node *root = xml_root(x);
    const struct xml_node *error = xml_child(root, "Error");
    if (!error)
        error = xml_path(root, "Errors", "Error", NULL);
    struct aws_error_words words = { 0 };
    aws_error_code_copy(span_of(xml_str(error, "Code")), words.code, sizeof(words.code));
    aws_error_words_copy(span_of(xml_str(error, "Message")), words.message, sizeof(words.message));
    if (!*words.code)
        return false;
    *ret = words;
    return true;
}

int aws_query(struct aws *a, const struct aws_request *request, struct xml **ret, struct err *err)
{
    const struct aws_op_info *op = aws_op_info(request->op);
    _cleanup_(buf_wipe_done_p) struct buf body = { 0 };
    if (request->body.len == 0)
        return err_set(err, ERR_NOMEM, 0, "%s: the request is longer than %d bytes, or there is no memory", op->name,
                       FORM_MAX);
    int r = aws_exchange(a, request, "application/x-www-form-urlencoded; charset=utf-8", read_error, &body, err);
    if (r < 0)
        return r;
    if (xml_parse(buf_span(&body), ret, err) < 0)
        return err_wrap(err, "the answer to %s", op->name);
    return 0;
}
