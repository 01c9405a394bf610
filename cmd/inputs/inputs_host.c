#include "cmd/inputs/inputs_reading.h"

#include "cmd/aws/instance.h"
#include "shared/settings/settings_check.h"

static void *field(const struct settings_reading *rd, const struct settings_row *row)
{
    return (char *)rd->base + row->at;
}

int inputs_read_ssh_port(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    int64_t number;
    if (span_to_int(span_of(value), 1, 65535, &number))
        *(int *)field(rd, row) = (int)number;
    else
        settings_refuse(rd, row, 0, span_of(value), "a whole number from 1 to 65535");
    return 0;
}

/* i-… is a name like any other; tag:KEY=VALUE is none, and only `host` may be an instance. */
static int read_instance(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    if (strcmp(row->id, "host") != 0)
        settings_refuse(rd, row, 0, span_of(value),
                        "a host name or IP address: only input 'host' may name an instance by its tag");
    else if (!instance_name_is_valid(value))
        settings_refuse(rd, row, 0, span_of(value), "tag:KEY=VALUE, both not empty, at most 200 bytes together");
    else
        return spec_set_str(field(rd, row), value, rd->err);
    return 0;
}

int inputs_read_host(struct settings_reading *rd, const struct settings_row *row, const char *value)
{
    struct span text = span_of(value);
    if (span_starts(text, "tag:"))
        return read_instance(rd, row, value);
    if (text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']' && strchr(value, ':')) {
        text.ptr++;
        text.len -= 2;
    }
    _cleanup_(free_p) char *host = span_dup(text);
    if (!host)
        return settings_no_memory(rd, row->id);
    if (settings_is_host(host))
        return spec_set_str(field(rd, row), host, rd->err);
    if (strstr(value, "://"))
        settings_refuse(rd, row, 0, span_of(value), "a host name or IP address without a scheme");
    else if (strchr(value, '@'))
        settings_refuse(rd, row, 0, span_of(value), "a host name or IP address; the user has an input of its own");
    else if (strchr(value, ':') && strchr(value, ':') == strrchr(value, ':'))
        settings_refuse(rd, row, 0, span_of(value), "a host name or IP address; the port has an input of its own");
    else
        settings_refuse(rd, row, 0, span_of(value), "a host name, an IPv4 address or an IPv6 address");
    return 0;
}
