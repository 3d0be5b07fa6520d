/* A VMCS from the logs of other monitors. */
#include "x86vmm/vtx/dump.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What a kernel of today leaves, by KVM: a processor with more than ours. */
#define KVM_LOG(rip, cr3, tr)                                                  \
    "[   67.1] kvm_intel: VMCS 00000000f9, last attempted VM-entry on CPU 3\n" \
    "[   67.2] kvm_intel: *** Guest State ***\n"                               \
    "[   67.3] kvm_intel: CR0: actual=0x0000000080050033, "                    \
    "shadow=0x0000000080050031, gh_mask=fffffffffffefff7\n"                    \
    "[   67.3] kvm_intel: CR4: actual=0x0000000000772ef0, "                    \
    "shadow=0x0000000000770ef0, gh_mask=fffffffffffef871\n"                    \
    "[   67.3] kvm_intel: CR3 = " cr3 "\n"                                     \
    "[   67.3] kvm_intel: PDPTR0 = 0x0000000000000000  PDPTR1 = "              \
    "0x0000000000000001\n"                                                     \
    "[   67.3] kvm_intel: RSP = 0xffffc90000013e70  RIP = " rip "\n"           \
    "[   67.3] kvm_intel: RFLAGS=0x00000246         DR7 = "                    \
    "0x0000000000000400\n"                                                     \
    "[   67.3] kvm_intel: Sysenter RSP=fffffe0000003000 "                      \
    "CS:RIP=0010:ffffffff81a01000\n"                                           \
    "[   67.4] kvm_intel: CS:   sel=0x0010, attr=0x0a09b, "                    \
    "limit=0xffffffff, base=0x0000000000000000\n"                              \
    "[   67.4] kvm_intel: DS:   sel=0x0000, attr=0x1c001, "                    \
    "limit=0xffffffff, base=0x0000000000000000\n"                              \
    "[   67.4] kvm_intel: SS:   sel=0x0018, attr=0x0c093, "                    \
    "limit=0xffffffff, base=0x0000000000000000\n"                              \
    "[   67.4] kvm_intel: ES:   sel=0x0000, attr=0x1c001, "                    \
    "limit=0xffffffff, base=0x0000000000000000\n"                              \
    "[   67.4] kvm_intel: FS:   sel=0x0000, attr=0x1c001, "                    \
    "limit=0xffffffff, base=0x00007fdb9d9c2700\n"                              \
    "[   67.4] kvm_intel: GS:   sel=0x0000, attr=0x1c001, "                    \
    "limit=0xffffffff, base=0xffff88807dc00000\n"                              \
    "[   67.4] kvm_intel: GDTR:                           "                    \
    "limit=0x0000007f, base=0xfffffe0000001000\n"                              \
    "[   67.4] kvm_intel: LDTR: sel=0x0000, attr=0x10000, "                    \
    "limit=0x000fffff, base=0x0000000000000000\n"                              \
    "[   67.4] kvm_intel: IDTR:                           "                    \
    "limit=0x00000fff, base=0xfffffe0000000000\n"                              \
    "[   67.4] kvm_intel: TR:   sel=0x0040, attr=" tr ", "                     \
    "limit=0x00004087, base=0xfffffe0000003000\n"                              \
    "[   67.5] kvm_intel: EFER= 0x0000000000000d01\n"                          \
    "[   67.5] kvm_intel: DebugCtl = 0x0000000000000000  "                     \
    "DebugExceptions = 0x0000000000000000\n"                                   \
    "[   67.5] kvm_intel: Interruptibility = 00000000  "                       \
    "ActivityState = 00000000\n"                                               \
    "[   67.6] kvm_intel: *** Host State ***\n"                                \
    "[   67.6] kvm_intel: RIP = 0xffffffffc0d6d1c0  RSP = "                    \
    "0xffffb2a7c1f6fc90\n"                                                     \
    "[   67.6] kvm_intel: CS=0010 SS=0018 DS=0000 ES=0000 FS=0000 GS=0000 "    \
    "TR=0040\n"                                                                \
    "[   67.6] kvm_intel: FSBase=00007f2c3b7fe640 GSBase=ffff9d5b7fb80000 "    \
    "TRBase=fffffe0000087000\n"                                                \
    "[   67.6] kvm_intel: GDTBase=fffffe0000085000 "                           \
    "IDTBase=fffffe0000000000\n"                                               \
    "[   67.6] kvm_intel: CR0=0000000080050033 CR3=0000008105a9c003 "          \
    "CR4=0000000000772ef0\n"                                                   \
    "[   67.6] kvm_intel: Sysenter RSP=fffffe0000087000 "                      \
    "CS:RIP=0010:ffffffff9a401920\n"                                           \
    "[   67.6] kvm_intel: EFER= 0x0000000000000d01  PAT = "                    \
    "0x0407050600070106\n"                                                     \
    "[   67.7] kvm_intel: *** Control State ***\n"                             \
    "[   67.7] kvm_intel: CPUBased=0xb5a06dfa SecondaryExec=0x021c35ea "       \
    "TertiaryExec=0x0000000000000000\n"                                        \
    "[   67.7] kvm_intel: PinBased=0x000000ff EntryControls=0001d3ff "         \
    "ExitControls=00abefff\n"                                                  \
    "[   67.7] kvm_intel: ExceptionBitmap=00060042 PFECmask=00000000 "         \
    "PFECmatch=00000000\n"                                                     \
    "[   67.7] kvm_intel: VMEntry: intr_info=000000ef errcode=00000000 "       \
    "ilen=00000000\n"                                                          \
    "[   67.7] kvm_intel: VMExit: intr_info=00000000 errcode=00000000 "        \
    "ilen=00000003\n"                                                          \
    "[   67.7] kvm_intel:         reason=80000021 "                            \
    "qualification=0000000000000000\n"                                         \
    "[   67.7] kvm_intel: TSC Offset = 0xfffffe37a7f0f0f2\n"                   \
    "[   67.7] kvm_intel: APIC-access addr = 0x0000000105b2a000 virt-APIC "    \
    "addr = 0x000000810a1de000\n"                                              \
    "[   67.7] kvm_intel: EPT pointer = 0x00000081034a505e\n"                  \
    "[   67.7] kvm_intel: Virtual processor ID = 0x0001\n"

/* Xen tells segments in columns. */
static const char xen_log[] =
    "(XEN) d12v0 vmentry failure (reason 0x80000021): Invalid guest state\n"
    "(XEN) *** Guest State ***\n"
    "(XEN) CR0: actual=0x000000008005003b, shadow=0x0000000080050033, "
    "gh_mask=ffffffffffffffff\n"
    "(XEN) CR4: actual=0x0000000000362670, shadow=0x0000000000360670, "
    "gh_mask=ffffffffffffffff\n"
    "(XEN) CR3 = 0x000000001a02f080\n"
    "(XEN) RSP = 0xffff880018cf7f50 (0xffff880018cf7f50)  RIP = "
    "0xffffffff8184f058 (0xffffffff8184f058)\n"
    "(XEN) RFLAGS=0x00000082 (0x00000082)  DR7 = 0x0000000000000400\n"
    "(XEN)        sel  attr  limit   base\n"
    "(XEN)   CS: 0010 0a09b ffffffff 0000000000000000\n"
    "(XEN)   SS: 001b 0c093 ffffffff 0000000000000000\n"
    "(XEN) GDTR:            0000007f ffff88001f40c000\n";

static const struct {
    const char *text, *rule; /* NULL: all hold */
} logs[] = {
    {KVM_LOG("0xffffffff8104d3c4", "0x000000810240e005", "0x0008b"), NULL},
    {KVM_LOG("0x0000800000000000", "0x000000810240e005", "0x0008b"),
     "RIP_CANONICAL"},
    {KVM_LOG("0xffffffff8104d3c4", "0x800000810240e005", "0x0008b"),
     "GUEST_CR3"},
    {KVM_LOG("0xffffffff8104d3c4", "0x000000810240e005", "0x00089"), "TR_TYPE"},
    /* the last one of two counts */
    {KVM_LOG("0xffffffff8104d3c4", "0x000000810240e005", "0x00089")
         KVM_LOG("0xffffffff8104d3c4", "0x000000810240e005", "0x0008b"),
     NULL},
};

START_TEST(logs_are_explained)
{
    struct vmcs_dump dump;
    struct entry_failure f[16];
    struct diag d = {""};
    char text[512] = "";

    ck_assert(
        !vmcs_dump_read("it", logs[_i].text, strlen(logs[_i].text), &dump, &d));
    struct entry e = vmcs_dump_entry(&dump);
    size_t n = entry_check_all(&e, f, ARRAY_LEN(f));
    if (n)
        entry_failure_words(&f[0], text, sizeof(text));
    ck_assert_msg(n == (logs[_i].rule != NULL), "%zu: %s", n, text);
    if (n)
        ck_assert_str_eq(f[0].check->name, logs[_i].rule);
}
END_TEST

/* Every field that the log has is where it belongs. */
START_TEST(a_log_is_read_whole)
{
    static const char log[] =
        KVM_LOG("0xffffffff8104d3c4", "0x000000810240e005", "0x0008b");
    static const struct {
        enum vmcs_field field;
        uint64_t value;
    } some[] = {
        {VMCS_CR0_SHADOW, 0x80050031},
        {VMCS_CR4_MASK, 0xFFFFFFFFFFFEF871},
        {VMCS_GUEST_PDPTE1, 1},
        {VMCS_GUEST_RSP, 0xFFFFC90000013E70},
        {VMCS_GUEST_SYSENTER_ESP, 0xFFFFFE0000003000},
        {VMCS_GUEST_SYSENTER_CS, 0x10},
        {VMCS_GUEST_SYSENTER_EIP, 0xFFFFFFFF81A01000},
        {VMCS_GUEST_CS_RIGHTS, 0xA09B},
        {VMCS_GUEST_FS_BASE, 0x7FDB9D9C2700},
        {VMCS_GUEST_GDTR_LIMIT, 0x7F},
        {VMCS_GUEST_IDTR_BASE, 0xFFFFFE0000000000},
        {VMCS_HOST_RSP, 0xFFFFB2A7C1F6FC90},
        {VMCS_HOST_TR_SELECTOR, 0x40},
        {VMCS_HOST_IDTR_BASE, 0xFFFFFE0000000000},
        {VMCS_HOST_SYSENTER_EIP, 0xFFFFFFFF9A401920},
        {VMCS_HOST_CR3, 0x8105A9C003},
        {VMCS_SECONDARY_CONTROLS, 0x021C35EA},
        {VMCS_PIN_CONTROLS, 0xFF},
        {VMCS_EXIT_INSTRUCTION_LENGTH, 3},
        {VMCS_EXIT_REASON, 0x80000021},
        {VMCS_VIRTUAL_APIC_ADDR, 0x810A1DE000},
        {VMCS_EPT_POINTER, 0x81034A505E},
        {VMCS_VPID, 1},
    };
    struct vmcs_dump dump;
    struct diag d = {""};

    ck_assert(!vmcs_dump_read("it", log, strlen(log), &dump, &d));
    ck_assert(dump.host_long && dump.elsewhere);
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        ck_assert_msg(dump.vmcs.field[some[i].field] == some[i].value,
                      "%s is %llX", vmcs_fields[some[i].field].name,
                      (unsigned long long)dump.vmcs.field[some[i].field]);
    ck_assert(!vmcs_dump_read("it", xen_log, strlen(xen_log), &dump, &d));
    ck_assert_uint_eq(dump.vmcs.field[VMCS_GUEST_SS_SELECTOR], 0x1B);
    ck_assert_uint_eq(dump.vmcs.field[VMCS_GUEST_SS_RIGHTS], 0xC093);
    ck_assert_uint_eq(dump.vmcs.field[VMCS_GUEST_GDTR_LIMIT], 0x7F);
    ck_assert_uint_eq(dump.vmcs.field[VMCS_GUEST_GDTR_BASE],
                      0xFFFF88001F40C000);
}
END_TEST

/* Whatever stands there, the reader stays within it. */
START_TEST(a_cut_log_is_read)
{
    static const char log[] =
        KVM_LOG("0xffffffff8104d3c4", "0x000000810240e005", "0x0008b");

    for (size_t n = 0; n < sizeof(log); n += 7) {
        char *cut = malloc(n ? n : 1); /* the sanitizer sees its end */
        struct vmcs_dump dump;
        struct diag d = {""};

        memcpy(cut, log, n);
        enum status st = vmcs_dump_read("it", cut, n, &dump, &d);
        ck_assert(st == STATUS_OK || st == STATUS_BAD_INPUT);
        free(cut);
    }
}
END_TEST

Suite *suite_x86_dump(void)
{
    Suite *s = suite_create("x86_dump");
    TCase *c = tcase_create("dump");

    tcase_add_loop_test(c, logs_are_explained, 0, ARRAY_LEN(logs));
    tcase_add_test(c, a_log_is_read_whole);
    tcase_add_test(c, a_cut_log_is_read);
    suite_add_tcase(s, c);
    return s;
}
