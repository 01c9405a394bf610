/*
 * First byte: where the input is cut into fingerprints and known_hosts lines (a 0x1f byte parts them). Properties: parsing
 * twice gives the same pins; a pin judges its own key; a name list with a negated * never matches; nothing is accepted
 * that printing and parsing again would not accept.
 */
#include "cmd/ssh/hostpin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pin(const struct hostpins *pins, const struct hostpin *pin)
{
    char text[HOSTPIN_FINGERPRINT_SIZE];
    struct hostpins again;
    enum hostpin_verdict verdict = hostpins_judge(pins, pin->sha256);
    if (verdict != (pin->revoked ? HOSTPIN_REVOKED : HOSTPIN_MATCH))
        abort();
    hostpin_fingerprint(pin->sha256, text);
    if (hostpins_parse(span_of(text), span_of(""), "web1", 22, &again, NULL) < 0 || again.len != 1 ||
        hostpins_judge(&again, pin->sha256) != HOSTPIN_MATCH)
        abort();
    hostpins_done(&again);
}

static void check_names(struct span names)
{
    _cleanup_(buf_done_p) struct buf b = BUF_INIT(1024 * 1024);
    buf_adds(&b, "!*,");
    buf_add_span(&b, names);
    if (hostpin_names_match(buf_span(&b), "web1", 22))
        abort();
    (void)hostpin_names_match(names, "web1.example.com", 2222);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = { (const char *)data, size }, fingerprints;
    struct hostpins pins, again;
    if (!span_split(&text, 0x1f, &fingerprints))
        return 0;
    int r = hostpins_parse(fingerprints, text, "web1", 22, &pins, NULL);
    if (r != hostpins_parse(fingerprints, text, "web1", 22, &again, NULL) || pins.len != again.len)
        abort();
    if (pins.len > 0 && memcmp(pins.items, again.items, pins.len * sizeof(*pins.items)) != 0)
        abort();
    if (hostpins_types(&pins) & ~(unsigned)HOSTPIN_ALL)
        abort();
    for (size_t i = 0; i < pins.len; i++)
        check_pin(&pins, &pins.items[i]);
    check_names(text);
    (void)hostpin_blob_type(text);
    hostpins_done(&pins);
    hostpins_done(&again);
    return 0;
}
