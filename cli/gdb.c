#include "cli/gdb.h"

#include "base/bytes.h"
#include "cli/session.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/translate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 1234, INTERRUPT = 3, LOOK_MS = 100, REGISTERS = 164 };

/* ---- The line ---- */

enum status gdb_open(struct gdb *g, struct diag *d)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(PORT),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int one = 1;

    *g = (struct gdb){.fd = -1};
    g->listens = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (g->listens < 0)
        return diag_set(d, STATUS_HOST_FAILED, "no socket for gdb: %s",
                        strerror(errno));
    (void)setsockopt(g->listens, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(g->listens, (struct sockaddr *)&at, sizeof(at))) {
        at.sin_port = 0;
        if (bind(g->listens, (struct sockaddr *)&at, sizeof(at)))
            return diag_set(d, STATUS_HOST_FAILED, "no port for gdb: %s",
                            strerror(errno));
    }
    if (listen(g->listens, 1) ||
        getsockname(g->listens, (struct sockaddr *)&at, &size))
        return diag_set(d, STATUS_HOST_FAILED, "no port for gdb: %s",
                        strerror(errno));
    g->port = ntohs(at.sin_port);
    return STATUS_OK;
}

static void hang_up(struct gdb *g)
{
    if (g->fd >= 0)
        close(g->fd);
    g->fd = -1;
    g->count = 0;
    g->steps = false;
}

void gdb_close(struct gdb *g)
{
    hang_up(g);
    if (g->listens >= 0)
        close(g->listens);
    g->listens = -1;
}

/* One character, waiting for it; -1: nobody is there any more. */
static int take(struct gdb *g)
{
    struct pollfd p = {.fd = g->fd, .events = POLLIN};
    uint8_t byte;

    while (!session_interrupted) {
        if (poll(&p, 1, LOOK_MS) <= 0)
            continue;
        ssize_t n = read(g->fd, &byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        return n == 1 ? byte : -1;
    }
    return -1;
}

/* A socket may take less than all at a time. */
static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t wrote = write(fd, bytes, n);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

/* $packet#checksum, acknowledged; false: the end. */
static bool receive(struct gdb *g)
{
    int c;
    size_t n = 0;

    while ((c = take(g)) != '$')
        if (c < 0)
            return false;
    while ((c = take(g)) != '#') {
        if (c < 0 || n == sizeof(g->packet) - 1)
            return false;
        g->packet[n++] = (char)c;
    }
    g->packet[n] = '\0';
    return take(g) >= 0 && take(g) >= 0 && write_all(g->fd, "+", 1);
}

static void send_reply(struct gdb *g, const char *text)
{
    char frame[GDB_PACKET + 8];
    unsigned sum = 0;

    for (const char *p = text; *p; p++)
        sum += (uint8_t)*p;
    int n = snprintf(frame, sizeof(frame), "$%s#%02x", text, sum & 0xFF);
    if (!write_all(g->fd, frame, (size_t)n))
        hang_up(g);
}

/* ---- Hexadecimal ---- */

static char *put_bytes(char *to, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to += sprintf(to, "%02x", bytes[i]);
    return to;
}

/* How many bytes text has; at most n are taken. */
static size_t get_bytes(const char *text, uint8_t *bytes, size_t n)
{
    unsigned byte;
    size_t i = 0;

    while (i < n && sscanf(text + 2 * i, "%2x", &byte) == 1 && text[2 * i + 1])
        bytes[i++] = (uint8_t)byte;
    return i;
}

/* ---- Registers ---- in the order of gdb's amd64, as far as its own state */

static const uint8_t gprs[] = {
    X86_RAX, X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RSP,
    8,       9,       10,      11,      12,      13,      14,      15};
static const uint8_t segs[] = {X86_CS, X86_SS, X86_DS, X86_ES, X86_FS, X86_GS};

static void registers_out(struct pc *pc, uint8_t out[REGISTERS])
{
    const struct x86_state *s = &pc->cpu.state;

    for (unsigned i = 0; i < ARRAY_LEN(gprs); i++)
        store_le64(out + 8 * i, s->gpr[gprs[i]]);
    store_le64(out + 128, s->rip);
    store_le32(out + 136, (uint32_t)x86_flags_get(&pc->cpu));
    for (unsigned i = 0; i < ARRAY_LEN(segs); i++)
        store_le32(out + 140 + 4 * i, s->seg[segs[i]].selector);
}

/* Segments stay: what they would be, only the guest's tables tell. */
static void registers_in(struct pc *pc, const uint8_t in[REGISTERS])
{
    struct x86_state *s = &pc->cpu.state;

    for (unsigned i = 0; i < ARRAY_LEN(gprs); i++)
        s->gpr[gprs[i]] = load_le64(in + 8 * i);
    s->rip = load_le64(in + 128);
    x86_flags_set(&pc->cpu, load_le32(in + 136) | X86_FLAG_ONE);
    pc_state_set(pc);
}

/* ---- Storage ---- linear addresses, as the processor has them now */

static uint8_t *storage(struct pc *pc, uint64_t linear, uint64_t *gpa)
{
    return x86_translate(&pc->cpu.state, &pc->mem, linear, gpa)
               ? mem_at(&pc->mem, *gpa, 1)
               : NULL;
}

static void read_storage(struct gdb *g, struct pc *pc)
{
    unsigned long long at, n;
    char out[GDB_PACKET] = "", *to = out;
    uint64_t gpa;

    if (sscanf(g->packet, "m%llx,%llx", &at, &n) != 2)
        n = 0;
    for (uint64_t i = 0; i < n && i < (GDB_PACKET - 1) / 2; i++) {
        const uint8_t *p = storage(pc, at + i, &gpa);

        if (!p)
            break;
        to = put_bytes(to, p, 1);
    }
    send_reply(g, *out ? out : "E01");
}

static void write_storage(struct gdb *g, struct pc *pc)
{
    unsigned long long at, n;
    const char *text = strchr(g->packet, ':');
    uint64_t gpa;
    uint8_t byte;

    if (!text || sscanf(g->packet, "M%llx,%llx", &at, &n) != 2) {
        send_reply(g, "E01");
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint8_t *p = storage(pc, at + i, &gpa);

        if (!p || !get_bytes(text + 1 + 2 * i, &byte, 1)) {
            send_reply(g, "E01");
            return;
        }
        *p = byte;
        x86_code_written(&pc->cpu, gpa, 1);
    }
    send_reply(g, "OK");
}

/* ---- Breakpoints ---- by linear address, software's and hardware's alike */

static unsigned find_break(const struct gdb *g, uint64_t at)
{
    unsigned i = 0;

    while (i < g->count && g->breaks[i] != at)
        i++;
    return i;
}

static void change_break(struct gdb *g)
{
    unsigned long long at;

    if ((g->packet[1] != '0' && g->packet[1] != '1') ||
        sscanf(g->packet + 2, ",%llx", &at) != 1) {
        send_reply(g, ""); /* watchpoints: not here */
        return;
    }
    unsigned i = find_break(g, at);
    if (*g->packet == 'z' && i < g->count)
        g->breaks[i] = g->breaks[--g->count];
    if (*g->packet == 'Z' && i == g->count) {
        if (i == GDB_BREAKS) {
            send_reply(g, "E02");
            return;
        }
        g->breaks[g->count++] = at;
    }
    send_reply(g, "OK");
}

static bool at_break(const struct gdb *g, const struct pc *pc)
{
    const struct x86_state *s = &pc->cpu.state;

    return g->count && find_break(g, x86_linear(s, X86_CS, s->rip)) < g->count;
}

/* ---- Packets ---- */

static void answer(struct gdb *g, struct pc *pc)
{
    uint8_t r[REGISTERS] = {0};
    char out[2 * REGISTERS + 1];

    switch (*g->packet) {
    case '?':
        send_reply(g, "S05");
        break;
    case 'g':
        registers_out(pc, r);
        put_bytes(out, r, sizeof(r));
        send_reply(g, out);
        break;
    case 'G':
        registers_out(pc, r);
        (void)get_bytes(g->packet + 1, r, sizeof(r));
        registers_in(pc, r);
        send_reply(g, "OK");
        break;
    case 'm':
        read_storage(g, pc);
        break;
    case 'M':
        write_storage(g, pc);
        break;
    case 'Z':
    case 'z':
        change_break(g);
        break;
    case 'H':
        send_reply(g, "OK");
        break;
    case 'q':
        send_reply(g, !strncmp(g->packet, "qSupported", 10) ? "PacketSize=f00"
                      : !strncmp(g->packet, "qAttached", 9) ? "1"
                                                            : "");
        break;
    default:
        send_reply(g, ""); /* not known */
        break;
    }
}

/* Until the PC is to go on.  False: it was killed. */
static bool serve(struct gdb *g, struct pc *pc)
{
    while (receive(g)) {
        char what = *g->packet;

        if (what == 'k')
            return false;
        if (what == 'c' || what == 's') {
            g->steps = what == 's';
            return true;
        }
        if (what == 'D') {
            send_reply(g, "OK");
            break;
        }
        answer(g, pc);
    }
    hang_up(g); /* it goes on alone */
    return !session_interrupted;
}

bool gdb_begin(struct gdb *g, struct pc *pc)
{
    struct pollfd p = {.fd = g->listens, .events = POLLIN};

    while (g->fd < 0 && !session_interrupted)
        if (poll(&p, 1, LOOK_MS) > 0)
            g->fd = accept(g->listens, NULL, NULL);
    return g->fd >= 0 && serve(g, pc);
}

/* Has gdb's person pressed Ctrl-C? */
static bool is_interrupted(const struct gdb *g)
{
    struct pollfd p = {.fd = g->fd, .events = POLLIN};
    uint8_t byte;

    return poll(&p, 1, 0) > 0 && read(g->fd, &byte, 1) == 1 &&
           byte == INTERRUPT;
}

enum pc_stop gdb_run(struct gdb *g, struct pc *pc, uint64_t n, bool *ended)
{
    enum pc_stop stop = PC_BUDGET;
    bool held = false;

    if (g->fd < 0)
        return pc_run(pc, n);
    if (!g->count && !g->steps)
        stop = pc_run(pc, n);
    else
        for (uint64_t i = 0; i < n && stop == PC_BUDGET && !held; i++) {
            stop = pc_run(pc, 1);
            held = g->steps || at_break(g, pc);
        }
    if (stop != PC_BUDGET) {
        send_reply(g, "W00");
        hang_up(g);
    } else if (held || is_interrupted(g)) {
        send_reply(g, "S05");
        *ended = !serve(g, pc);
    }
    return stop;
}
