/* The same image on the bare machine, under the monitor, and on Hercules. */
#include "cli/vmm_s370.h"
#include "monitor/dispatcher.h"
#include "s370/machine/machine.h"
#include "tests/bench/bench.h"
#include "tests/oracle/hercules.h"

#include <stdlib.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum status wrong_end(const char *where, uint32_t ia, struct diag *d)
{
    return diag_set(d, STATUS_HOST_FAILED, "%s: ended at %x, not at %x", where,
                    ia, BENCH_DONE);
}

enum status bench_bare(const uint8_t *image, struct bench_run *r,
                       struct diag *d)
{
    struct s370_machine *m = s370_machine_new(BENCH_STORAGE, NULL);

    if (!m)
        return diag_set(d, STATUS_NO_MEMORY, "no memory");
    enum status st = s370_machine_load(m, 0, image, BENCH_STORAGE);
    s370_machine_restart(m);
    double began = bench_now();
    enum s370_stop stop = s370_machine_run(m, UINT64_MAX, &r->insns);
    r->seconds = bench_now() - began;
    if (st == STATUS_OK &&
        (stop != S370_STOP_DISABLED_WAIT || m->cpu.psw.ia != BENCH_DONE))
        st = wrong_end("bare", m->cpu.psw.ia, d);
    s370_machine_free(m);
    return st;
}

enum status bench_trap(const uint8_t *image, struct bench_run *r,
                       struct diag *d)
{
    static const volatile bool never;
    struct s370_guest_state state;
    size_t count;
    struct s370_vmm *vmm = s370_vmm_new(0, NULL, d);
    struct vm *vm = vmm ? s370_vmm_add(vmm, "bench", BENCH_STORAGE, d) : NULL;
    enum status st =
        vm ? s370_vm_load(vm, 0, image, BENCH_STORAGE, d) : STATUS_NO_MEMORY;

    if (st == STATUS_OK) {
        s370_vm_restart(vm);
        struct vm **vms = s370_vmm_vms(vmm, &count);
        double began = bench_now();
        (void)vmm_run(vms, count, &never);
        r->seconds = bench_now() - began;
        r->insns = vm->vcpu.insns;
        r->exits = vm->vcpu.exits;
        st = s370_vm_state(vm, &state);
        if (st == STATUS_OK && state.psw.ia != BENCH_DONE)
            st = wrong_end("under the monitor", state.psw.ia, d);
    }
    if (vmm)
        s370_vmm_free(vmm);
    return st;
}

/* The one Hercules of this process. */
static struct hercules *hercules;

enum status bench_hercules_start(struct diag *d)
{
    if (!hercules_installed())
        return diag_set(d, STATUS_UNSUPPORTED, "hercules is not installed");
    hercules = calloc(1, sizeof(*hercules));
    if (!hercules)
        return diag_set(d, STATUS_NO_MEMORY, "no memory");
    return hercules_start(hercules, 2, d);
}

enum status bench_hercules(const uint8_t *image, struct bench_run *r,
                           struct diag *d)
{
    enum { SECONDS = 120 };
    static uint8_t after[BENCH_STORAGE];
    uint32_t ia;
    enum status st =
        hercules_run(hercules, image, after, sizeof(after), SECONDS, &ia, d);

    r->seconds = hercules->took;
    if (st == STATUS_OK && ia != BENCH_DONE)
        st = wrong_end("Hercules", ia, d);
    return st;
}

void bench_hercules_end(void)
{
    if (hercules)
        hercules_end(hercules);
    free(hercules);
    hercules = NULL;
}
