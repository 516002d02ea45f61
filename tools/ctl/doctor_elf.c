/* SPDX-License-Identifier: MIT */
/*
 * What a program's file tells of how it reaches PostgreSQL: a libpq of its own inside, or Go. See
 * doctor.h. A file is trusted in nothing: each place is held against its end.
 */
#include "ctl/doctor.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    const unsigned char *bytes;
    size_t size;
};

static const void *part(const struct image *image, uint64_t at, uint64_t bytes)
{
    return at <= image->size && bytes <= image->size - at ? image->bytes + at : NULL;
}

static bool is_named(const struct image *image, const Elf64_Shdr *names, uint32_t at,
                     const char *name)
{
    size_t len = strlen(name) + 1;
    const void *text = part(image, names->sh_offset, names->sh_size);
    return text != NULL && at <= names->sh_size && len <= names->sh_size - at &&
           memcmp((const char *)text + at, name, len) == 0;
}

static bool defines(const struct image *image, const Elf64_Shdr *table, const Elf64_Shdr *names,
                    const char *name)
{
    for (uint64_t i = 0; i < table->sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym symbol;
        const void *at = part(image, table->sh_offset + i * sizeof(symbol), sizeof(symbol));
        if (at == NULL)
            return false;
        memcpy(&symbol, at, sizeof(symbol));
        if (symbol.st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol.st_info) == STT_FUNC &&
            is_named(image, names, symbol.st_name, name))
            return true;
    }
    return false;
}

/* Of modules that a Go program was built with; the tab is the build information's. */
static void look_for_driver(struct ctl_facts *facts, const struct image *image)
{
    static const char *const drivers[] = {"github.com/jackc/pgx", "github.com/lib/pq"};
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        char line[64];
        int len = snprintf(line, sizeof(line), "dep\t%s", drivers[i]);
        if (memmem(image->bytes, image->size, line, (size_t)len) != NULL)
            snprintf(facts->protocol, sizeof(facts->protocol), "%s (Go)", drivers[i]);
    }
}

static void look_at_sections(struct ctl_facts *facts, const struct image *image,
                             const Elf64_Ehdr *elf)
{
    const uint64_t room = elf->e_shnum * sizeof(Elf64_Shdr);
    const void *table = part(image, elf->e_shoff, room);
    if (table == NULL || elf->e_shentsize != sizeof(Elf64_Shdr) || elf->e_shstrndx >= elf->e_shnum)
        return;
    for (unsigned i = 0; i < elf->e_shnum; i++) {
        Elf64_Shdr section, names, strings;
        memcpy(&section, (const char *)table + i * sizeof(section), sizeof(section));
        memcpy(&names, (const char *)table + elf->e_shstrndx * sizeof(names), sizeof(names));
        facts->go = facts->go || is_named(image, &names, section.sh_name, ".go.buildinfo");
        if ((section.sh_type != SHT_DYNSYM && section.sh_type != SHT_SYMTAB) ||
            section.sh_link >= elf->e_shnum)
            continue;
        memcpy(&strings, (const char *)table + section.sh_link * sizeof(strings), sizeof(strings));
        facts->libpq_inside = facts->libpq_inside || defines(image, &section, &strings, "PQexec");
    }
}

void ctl_facts_program(int32_t pid, struct ctl_facts *facts)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && (uint64_t)st.st_size >= sizeof(Elf64_Ehdr)) {
        struct image image = {.size = (size_t)st.st_size};
        void *bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            Elf64_Ehdr elf;
            image.bytes = bytes;
            memcpy(&elf, bytes, sizeof(elf));
            if (memcmp(elf.e_ident, ELFMAG, SELFMAG) == 0 && elf.e_ident[EI_CLASS] == ELFCLASS64)
                look_at_sections(facts, &image, &elf);
            if (facts->go)
                look_for_driver(facts, &image);
            munmap(bytes, image.size);
        }
    }
    close(fd);
}
