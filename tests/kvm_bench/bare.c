#include "tests/kvm_bench/bare.h"

#include "base/format.h"

#include <errno.h>
#include <string.h>

/* Real mode: port E9, the debug port of our machines; and a read of storage
 * that is not there. */
static const uint8_t output[] = {
    0xE6, 0xE9, /* out E9h, al */
    0xEB, 0xFC  /* jmp back */
};
static const uint8_t input[] = {
    0xE4, 0xE9, /* in al, E9h */
    0xEB, 0xFC  /* jmp back */
};
static const uint8_t load[] = {
    0xBA, 0x00, 0xE0, /* mov dx, E000h */
    0x8E, 0xDA,       /* mov ds, dx */
    0xA0, 0,    0,    /* mov al, [0] */
    0xEB, 0xFB        /* jmp back */
};

const struct kvm_bench_guest kvm_bench_guests[] = {
    {"OUT to a port", X86_MODE_REAL, output, sizeof(output)},
    {"IN from a port", X86_MODE_REAL, input, sizeof(input)},
    {"load where no storage is", X86_MODE_REAL, load, sizeof(load)},
};
const unsigned kvm_bench_guest_count = ARRAY_LEN(kvm_bench_guests);

#if defined(__linux__) && defined(__x86_64__) && __has_include(<linux/kvm.h>)
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAM = 0x10000, ENTRY = 0x7C00 };

static bool failed(struct kvm_bare *b, const char *what)
{
    format(b->why, sizeof(b->why), "%s: %s", what, strerror(errno));
    return false;
}

static bool begin_at(struct kvm_bare *b, uint64_t rip)
{
    struct kvm_regs regs = {.rip = rip, .rflags = 2};
    struct kvm_sregs sregs;

    if (ioctl(b->cpu, KVM_GET_SREGS, &sregs) < 0)
        return failed(b, "KVM_GET_SREGS");
    sregs.cs.base = sregs.cs.selector = 0;
    if (ioctl(b->cpu, KVM_SET_SREGS, &sregs) < 0)
        return failed(b, "KVM_SET_SREGS");
    if (ioctl(b->cpu, KVM_SET_REGS, &regs) < 0)
        return failed(b, "KVM_SET_REGS");
    return true;
}

static bool give_storage(struct kvm_bare *b, const struct kvm_bench_guest *g)
{
    void *ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region region = {
        .memory_size = RAM, .userspace_addr = (uintptr_t)ram};

    if (ram == MAP_FAILED)
        return failed(b, "mmap");
    b->ram = ram;
    memcpy(b->ram + ENTRY, g->code, g->size);
    return ioctl(b->vm, KVM_SET_USER_MEMORY_REGION, &region) == 0 ||
           failed(b, "KVM_SET_USER_MEMORY_REGION");
}

static bool make_cpu(struct kvm_bare *b)
{
    b->cpu = ioctl(b->vm, KVM_CREATE_VCPU, 0);
    int size = ioctl(b->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (b->cpu < 0 || size < 0)
        return failed(b, "KVM_CREATE_VCPU");
    void *run =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, b->cpu, 0);
    if (run == MAP_FAILED)
        return failed(b, "mmap of kvm_run");
    b->run = run;
    b->run_size = (size_t)size;
    return true;
}

bool kvm_bare_start(struct kvm_bare *b, const struct kvm_bench_guest *g)
{
    *b = (struct kvm_bare){.kvm = -1, .vm = -1, .cpu = -1};
    b->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (b->kvm < 0)
        return failed(b, "/dev/kvm");
    b->vm = ioctl(b->kvm, KVM_CREATE_VM, 0);
    if (b->vm < 0)
        return failed(b, "KVM_CREATE_VM");
    if (!give_storage(b, g) || !make_cpu(b) || !begin_at(b, ENTRY))
        return false;
    if (ioctl(b->cpu, KVM_RUN, 0) < 0)
        return failed(b, "KVM_RUN");
    b->reason = b->run->exit_reason;
    return true;
}

bool kvm_bare_run(struct kvm_bare *b, unsigned exits)
{
    for (unsigned i = 0; i < exits; i++) {
        if (ioctl(b->cpu, KVM_RUN, 0) < 0)
            return failed(b, "KVM_RUN");
        if (b->run->exit_reason != b->reason) {
            format(b->why, sizeof(b->why), "exit %u among exits %u",
                   b->run->exit_reason, b->reason);
            return false;
        }
    }
    return true;
}

void kvm_bare_end(struct kvm_bare *b)
{
    if (b->run)
        munmap(b->run, b->run_size);
    if (b->ram)
        munmap(b->ram, RAM);
    if (b->cpu >= 0)
        close(b->cpu);
    if (b->vm >= 0)
        close(b->vm);
    if (b->kvm >= 0)
        close(b->kvm);
}
#else
bool kvm_bare_start(struct kvm_bare *b, const struct kvm_bench_guest *g)
{
    (void)g;
    *b = (struct kvm_bare){.kvm = -1};
    format(b->why, sizeof(b->why), "needs Linux/KVM on x86-64");
    return false;
}

bool kvm_bare_run(struct kvm_bare *b, unsigned exits)
{
    (void)b, (void)exits;
    return false;
}

void kvm_bare_end(struct kvm_bare *b)
{
    (void)b;
}
#endif
