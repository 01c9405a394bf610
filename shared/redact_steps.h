/* The single steps of which shared/redact_forms.c composes encodings. Each appends its text of `value` to `out`. */
#ifndef BLUEGREEN_REDACT_STEPS_H
#define BLUEGREEN_REDACT_STEPS_H

#include "buf.h"

/* Hexadecimal and octal: plain, or with a sign between or before the bytes. */
void redact_hex(struct span value, struct buf *out);
void redact_hex_upper(struct span value, struct buf *out);
void redact_hex_colons(struct span value, struct buf *out); /* aa:bb */
void redact_hex_colons_upper(struct span value, struct buf *out);
void redact_hex_blanks(struct span value, struct buf *out); /* aa bb */
void redact_hex_blanks_upper(struct span value, struct buf *out);
void redact_hex_pairs(struct span value, struct buf *out);  /* aabb ccdd, as xxd(1) prints */
void redact_hex_escape(struct span value, struct buf *out); /* \xaa */
void redact_hex_escape_upper(struct span value, struct buf *out);
void redact_hex_list(struct span value, struct buf *out);     /* 0xaa, 0xbb */
void redact_octal_escape(struct span value, struct buf *out); /* \141 */

/* Percent signs. */
void redact_uri(struct span value, struct buf *out);
void redact_uri_lower(struct span value, struct buf *out);
void redact_form(struct span value, struct buf *out); /* blanks are "+" */
void redact_form_lower(struct span value, struct buf *out);
void redact_uri_component(struct span value, struct buf *out); /* JavaScript's encodeURIComponent() */
void redact_uri_address(struct span value, struct buf *out);   /* JavaScript's encodeURI() */
void redact_uri_all(struct span value, struct buf *out);       /* every byte */
void redact_uri_all_lower(struct span value, struct buf *out);
void redact_command_data(struct span value, struct buf *out); /* of a workflow command */

/* JSON strings without their quotes. */
void redact_json(struct span value, struct buf *out);
void redact_json_go(struct span value, struct buf *out);     /* <, >, & as \u003c… */
void redact_json_ascii(struct span value, struct buf *out);  /* \u00e9, lower case */
void redact_json_php(struct span value, struct buf *out);    /* the same and "\/" */
void redact_unicode_all(struct span value, struct buf *out); /* every character as \u0061 */
void redact_json_dotnet(struct span value, struct buf *out); /* \u00E9, and many signs of ASCII so */

/* XML and HTML, by what stands for the quotes. */
void redact_xml_text(struct span value, struct buf *out);         /* quotes stay */
void redact_xml(struct span value, struct buf *out);              /* &quot; &apos; */
void redact_html(struct span value, struct buf *out);             /* &quot; &#39; */
void redact_html_hex(struct span value, struct buf *out);         /* &quot; &#x27; */
void redact_entities_all(struct span value, struct buf *out);     /* every character as &#97; */
void redact_entities_all_hex(struct span value, struct buf *out); /* every character as &#x61; */
void redact_html_go(struct span value, struct buf *out);          /* &#34; &#39; */

/* Shells and programming languages, without the quotes around. */
void redact_single_quoted(struct span value, struct buf *out);        /* '\'' */
void redact_single_quoted_double(struct span value, struct buf *out); /* '"'"' */
void redact_backslashes(struct span value, struct buf *out);          /* printf %q */
void redact_ansi_quoted(struct span value, struct buf *out);          /* $'…' */
void redact_double_quoted(struct span value, struct buf *out);        /* \" \$ \` \\ */
void redact_c_string(struct span value, struct buf *out);             /* octal for what is no ASCII */
void redact_c_string_hex(struct span value, struct buf *out);         /* \xc3 */
void redact_python(struct span value, struct buf *out);               /* repr() of text with both quotes */
void redact_python_bytes(struct span value, struct buf *out);         /* repr() of bytes with both quotes */
void redact_ls_escape(struct span value, struct buf *out);            /* ls -b */
void redact_cat_visible(struct span value, struct buf *out);          /* cat -v */
void redact_back_ticks(struct span value, struct buf *out);           /* PowerShell, double-quoted */
void redact_doubled_single(struct span value, struct buf *out);       /* '' in PowerShell, SQL, YAML */
void redact_doubled_double(struct span value, struct buf *out);       /* "" in CSV */

/* Characters of two bytes; bytes that are no UTF-8 count as Latin-1. */
void redact_utf16le(struct span value, struct buf *out);
void redact_utf16be(struct span value, struct buf *out);

/* Base64, the digits that depend on the value alone; the value begins at byte 0, 1 or 2 of a group. */
void redact_base64_at_0(struct span value, struct buf *out);
void redact_base64_at_1(struct span value, struct buf *out);
void redact_base64_at_2(struct span value, struct buf *out);

#endif
