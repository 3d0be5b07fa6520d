#include "cli/trace_file.h"

#include "cli/command.h"
#include "cli/file.h"

#include <errno.h>
#include <string.h>

static bool write_file(void *to, const char *text, size_t len)
{
    if (fwrite(text, 1, len, to) == len)
        return true;
    session_output_failed();
    return false;
}

static void filter_emit(struct trace_sink *sink, const struct trace_event *e)
{
    struct trace_file *t = (struct trace_file *)sink;

    if (t->kinds >> e->kind & 1)
        t->to->emit(t->to, e);
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && !strcmp(text + n - m, end);
}

enum status trace_file_spare(const char *path, const struct session_plan *plan,
                             struct diag *diag)
{
    const char *const others[] = {plan->initrd,      plan->drives[0],
                                  plan->drives[1],   plan->floppies[0],
                                  plan->floppies[1], plan->bios};
    enum status st = STATUS_OK;

    for (unsigned i = 0; !st && i < plan->count; i++)
        st = file_spare(path, plan->guests[i], diag);
    for (size_t i = 0; !st && i < ARRAY_LEN(others); i++)
        st = file_spare(path, others[i], diag);
    return st;
}

enum status trace_file_open(struct trace_file *t, const char *path, bool jsonl,
                            unsigned kinds, struct diag *diag)
{
    bool is_stdout = !strcmp(path, "-");

    *t = (struct trace_file){.filter.emit = filter_emit,
                             .kinds = kinds,
                             .name = is_stdout ? "standard output" : path,
                             .jsonl_wanted = jsonl || ends_in(path, ".jsonl")};
    t->file = is_stdout ? stdout : fopen(path, "w");
    if (!t->file)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path,
                        strerror(errno));
    if (t->jsonl_wanted) {
        trace_jsonl_init(&t->jsonl, write_file, t->file);
        t->to = &t->jsonl.sink;
    } else {
        trace_text_init(&t->text, write_file, t->file);
        if (is_stdout)
            t->text.columns = (unsigned)cli_columns();
        t->to = &t->text.sink;
    }
    return STATUS_OK;
}

enum status trace_file_close(struct trace_file *t, struct diag *diag)
{
    bool failed = t->jsonl_wanted ? t->jsonl.failed : t->text.failed;

    if (!t->file)
        return STATUS_OK;
    failed |= fflush(t->file) != 0 || ferror(t->file);
    int error = errno;
    if (t->file != stdout && fclose(t->file))
        failed = true;
    t->file = NULL;
    if (failed)
        return diag_set(diag, STATUS_HOST_FAILED, "%s: %s; the trace is cut",
                        t->name, strerror(error));
    return STATUS_OK;
}
