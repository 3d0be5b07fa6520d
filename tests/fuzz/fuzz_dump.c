/* Any bytes as what `explain` reads: a VMCS, registers as QEMU prints them, a
 * monitor's log, a VMCB by its fields or as hexdump prints it.  Refused with
 * the file's name and a line, or held against every rule, whose sentences can
 * all be said. */
#include "tests/fuzz/fuzz.h"
#include "x86vmm/svm/dump.h"
#include "x86vmm/svm/vmrun_check.h"
#include "x86vmm/vtx/dump.h"
#include "x86vmm/vtx/entry_check.h"

#include <stdlib.h>
#include <string.h>

static const char vmcs[] =
    "# of a guest\nlike = long\nentered_from = protected\n"
    "GUEST_CR0 = 0x80000021\nGUEST_CR3 = 010\nguest_rip = 0xFFFFFFFF80000000\n"
    "EPT_POINTER = 0x1e\nPIN_CONTROLS = 22\nVPID = 1\n";
static const char registers[] =
    "KVM: entry failed, hardware error 0x80000021\n"
    "EAX=00000000 EBX=00000000 ECX=00000000 EDX=000506e3\n"
    "EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\n"
    "ES =0000 00000000 0000ffff 00009300\nCS =f000 ffff0000 0000ffff 00009b00\n"
    "SS =0010 00000000 ffffffff 00c09300 DPL=0 DS   [-WA]\n"
    "LDT=0000 00000000 0000ffff 00008200\nTR =0000 00000000 0000ffff 00008b00\n"
    "GDT=     00000000 0000ffff\nIDT=     00000000 0000ffff\n"
    "CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000\n"
    "DR6=00000000ffff0ff0 DR7=0000000000000400\nEFER=0000000000000000\n";
static const char log_lines[] =
    "(XEN) *** Guest State ***\n"
    "CR0: actual=0x8005003b, shadow=0x80050033, gh_mask=ffffffffffffffff\n"
    "Sysenter RSP=fffffe0000003000 CS:RIP=0010:ffffffff81a01000\n"
    "CS:   sel=0x0010, attr=0x0a09b, limit=0xffffffff, base=0x0\n"
    "  SS: 0018 0c093 ffffffff 0000\nGDTR:   0000007f ffff88001f40c000\n"
    "*** Host State ***\nCS=0010 SS=0018 TR=0040\n"
    "*** Control State ***\nVMEntry: intr_info=80000b0d errcode=0 ilen=0\n"
    "TSC Offset = 0xff  EPT pointer = 0x5e\n";
static const char vmcb[] =
    "like = pae\nhost_paging = no\nASID = 0\nRIP = 0x1000\nCR0 = 0x80000011\n"
    "EVENTINJ = 0x80000b0d\nVMCB_NONE = 3\n";
static const char bytes_of[] =
    "00000000  00 00 00 00 01 00 00 80  ff ff ff ff 00 00 00 00  |........|\n"
    "00000010  0f 00 00 00 07 00 00 00\n*\n"
    "00000400  10 00 93 00 ff ff ff ff  00 00 00 00 00 00 00 00\n"
    "00001000\n";

const struct fuzz_seed fuzz_seeds[] = {
    {vmcs, sizeof(vmcs) - 1},           {registers, sizeof(registers) - 1},
    {log_lines, sizeof(log_lines) - 1}, {vmcb, sizeof(vmcb) - 1},
    {bytes_of, sizeof(bytes_of) - 1},   {NULL, 0}};

enum { FAILURES = 512, SENTENCE = 512 };

static void refused(const struct diag *d)
{
    if (strncmp(d->text, "dump:", 5))
        abort();
}

static void as_vmcs(const char *text, size_t n)
{
    static struct entry_failure failures[FAILURES];
    struct vmcs_dump dump;
    struct diag d = {""};
    char sentence[SENTENCE];

    if (vmcs_dump_read("dump", text, n, &dump, &d)) {
        refused(&d);
        return;
    }
    struct entry e = vmcs_dump_entry(&dump);
    size_t broken = entry_check_all(&e, failures, FAILURES);
    for (size_t i = 0; i < broken && i < FAILURES; i++)
        entry_failure_words(&failures[i], sentence, sizeof(sentence));
}

static void as_vmcb(const char *text, size_t n)
{
    static struct vmrun_failure failures[FAILURES];
    struct vmcb_dump dump;
    struct diag d = {""};
    char sentence[SENTENCE];

    if (vmcb_dump_read("dump", text, n, &dump, &d)) {
        refused(&d);
        return;
    }
    struct vmrun r = {.vmcb = &dump.vmcb, .host_paging = dump.host_paging};
    size_t broken = vmrun_check_all(&r, failures, FAILURES);
    for (size_t i = 0; i < broken && i < FAILURES; i++)
        vmrun_failure_words(&failures[i], sentence, sizeof(sentence));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;

    (void)vmcb_dump_is(text, len);
    as_vmcs(text, len);
    as_vmcb(text, len);
    return 0;
}
