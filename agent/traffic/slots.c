#include "agent/traffic/slots.h"

#include <arpa/inet.h>

/* "A.B.C.D" in host byte order. */
static bool parse_ipv4(struct span s, uint32_t *ret)
{
    char text[SLOTS_ADDRESS_SIZE];
    struct in_addr in;
    if (s.len == 0 || s.len >= sizeof(text))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET, text, &in) != 1)
        return false;
    *ret = ntohl(in.s_addr);
    return true;
}

static void format_ipv4(uint32_t host_order, char out[SLOTS_ADDRESS_SIZE])
{
    struct in_addr in = { .s_addr = htonl(host_order) };
    (void)inet_ntop(AF_INET, &in, out, SLOTS_ADDRESS_SIZE); /* the size always suffices */
}

int slots_of_subnet(const char *subnet, struct slots *ret, struct err *err)
{
    struct span rest = span_of(subnet), address;
    uint32_t base = 0;
    int64_t prefix = 0;

    if (!span_split(&rest, '/', &address) || !parse_ipv4(address, &base) || !span_to_int(rest, 0, 32, &prefix))
        return err_set(err, ERR_DOCKER, 0, "'%.60s' is not an IPv4 subnet such as 172.18.0.0/16", subnet ? subnet : "");
    if (prefix < SLOTS_PREFIX_MIN || prefix > SLOTS_PREFIX_MAX) {
        int r = err_set(err, ERR_DOCKER, 0,
                        "subnet %.60s cannot hold two fixed addresses: a prefix from /%d to /%d is needed", subnet,
                        SLOTS_PREFIX_MIN, SLOTS_PREFIX_MAX);
        err_hint(err, "Remove the app's Docker network when nothing uses it, or create it with a "
                      "larger subnet.");
        return r;
    }
    uint32_t host_mask = (uint32_t)((UINT64_C(1) << (32 - prefix)) - 1);
    uint32_t broadcast = base | host_mask;
    for (uint32_t i = 0; i < SLOTS_COUNT; i++)
        format_ipv4(broadcast - 2 - i, ret->address[i]);
    return 0;
}

static bool in_list(const struct strlist *list, const char *address)
{
    size_t len = strlen(address);
    for (size_t i = 0; list && i < list->len; i++) {
        const char *item = list->items[i];
        if (strncmp(item, address, len) == 0 && (item[len] == '\0' || item[len] == '/'))
            return true;
    }
    return false;
}

int slots_pick(const struct slots *s, const struct strlist *in_use, char address[SLOTS_ADDRESS_SIZE], struct err *err)
{
    for (size_t i = 0; i < SLOTS_COUNT; i++) {
        if (in_list(in_use, s->address[i]))
            continue;
        memcpy(address, s->address[i], SLOTS_ADDRESS_SIZE);
        return 0;
    }
    int r = err_set(err, ERR_DOCKER, 0, "both fixed addresses of the app's network, %s and %s, are in use",
                    s->address[0], s->address[1]);
    err_hint(err, "Look with `docker network inspect` for a left-over container on this network "
                  "and remove it.");
    return r;
}
