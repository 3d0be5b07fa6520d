/* What a machine has recorded of a case, word by word. */
#ifndef TESTS_X86_ORACLE_RECORD_H
#define TESTS_X86_ORACLE_RECORD_H

#include "tests/x86_oracle/machine.h"

enum ox_record {
#define RECORD(name, head) OX_##name,
#define FIELD(record, name)
#include "tests/x86_oracle/record.def"
#undef RECORD
#undef FIELD
    OX_RECORD_COUNT
};

/* Fields of all records in one row; OX_R32_HEAD is where R32's begin. */
enum ox_field {
#define RECORD(name, head)
#define FIELD(record, name) OX_##record##_##name,
#include "tests/x86_oracle/record.def"
#undef RECORD
#undef FIELD
    OX_FIELD_COUNT
};

/* The record that begins at this word; OX_RECORD_COUNT: none does. */
enum ox_record ox_record_of(uint32_t word);
unsigned ox_record_size(enum ox_record r);
/* Its first field. */
enum ox_field ox_record_head(enum ox_record r);
const char *ox_field_name(enum ox_field f);

/* ---- Comparing ---- */

enum { OX_PAST_MAX = 32 };

/* The first word that differs. */
struct ox_difference {
    const struct ox_case *c;
    enum ox_machine peer;
    const struct ox_result *ours, *theirs;
    const struct ox_result *witness; /* of QEMU's: what Bochs says; or NULL */
    enum ox_record record;
    enum ox_field field; /* OX_FIELD_COUNT: one has ended, or has no words */
    uint32_t start;      /* of that record */
    uint32_t at;         /* of the word; where one has ended: behind its last,
                          * and then of the other's record that it lacks */
    uint32_t from;       /* words before it have been explained; */
    /* of events, what they were: on stacks and in TSSs, too, they differ. */
    struct {
        uint32_t ours, theirs;
    } past[OX_PAST_MAX];
    unsigned pasts;
};

/* False: they are equal, as far as that peer is looked at: of QEMU not RF in
 * saved flags, stacks, accessed bits of descriptors and pages (image.S,
 * `loosen`): difference_qemu.def says why. */
bool ox_differs(struct ox_difference *d);

/* Of the piece of storage whose sum differs, every word that differs under its
 * mask is so; false where there is none, or d->field is no sum. */
typedef bool ox_word_test(const struct ox_difference *d, uint32_t at,
                          uint32_t before, uint32_t ours, uint32_t theirs);
bool ox_all_words(const struct ox_difference *d, ox_word_test *test);

/* Go on behind a word that has been explained.  False: it is where the two
 * have parted, so that nothing after it need be the same. */
bool ox_go_on(struct ox_difference *d);

/* The witness says what we say, up to the word that differs, or a row tells why
 * not; true where there is none. */
bool ox_witnessed(const struct ox_difference *d);

enum { OX_ROWS_MAX = 100 }; /* of a peer */

struct ox_explanation {
    const char *name, *source, *words;
    bool (*applies)(const struct ox_difference *d);
    bool alone; /* it needs no witness */
};
/* The rows of difference_*.def of that peer, up to one without a name. */
const struct ox_explanation *ox_explanations(enum ox_machine peer);
/* The row that explains it, or NULL. */
const struct ox_explanation *ox_explain(const struct ox_difference *d);
/* The same of one of QEMU's that differs only with other cases before it. */
const struct ox_explanation *ox_explain_equal(const struct ox_difference *d);
/* The row that explains where the lists of exceptions of ours and QEMU part. */
const struct ox_explanation *ox_explain_heard(const struct ox_difference *d);
extern const struct ox_explanation ox_bochs_rows[], ox_qemu_rows[];

/* ---- What has not been recorded ---- raised.c
 *
 * An exception whose delivery is a double fault or a shutdown, or whose
 * recorder faults, is in no record; nor is any of a case that never ends.  Our
 * processor has told of them all the same. */
struct ox_told {
    struct ox_difference d;
    struct ox_result ours, theirs;
    uint32_t ip;     /* the lower half of what it saves */
    uint32_t word[]; /* of `ours` */
};
/* The first of those behind the records before d->start that the peer has not
 * recorded, and the same difference as if ours had recorded it.  NULL: there is
 * none.  To be freed. */
struct ox_told *ox_tell_lost(const struct ox_difference *d);
/* Likewise, where both end at the same place of a recorder: what ours has met
 * there. */
struct ox_told *ox_tell_nested(const struct ox_difference *d);
/* QEMU has told of its own ones (ox_listen): where those two lists part, at the
 * record that differs or between it and the one before.  NULL: elsewhere, or
 * nowhere.  To be freed. */
struct ox_told *ox_tell_parting(const struct ox_difference *d);
/* All that the peer has recorded ours has raised. */
bool ox_all_raised(const struct ox_difference *d);

/* A line for people: each event of a result. */
void ox_show(const struct ox_result *r);
/* What ours has raised: vectors and places. */
void ox_show_raised(const struct ox_result *r);
/* The first words of storage that differ, likewise. */
void ox_show_stored(const struct ox_difference *d);

#endif
