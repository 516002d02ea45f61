/* SPDX-License-Identifier: MIT */
/*
 * Reading objects in another process' memory. See inject_elf.h. The hash table's format: "GNU hash"
 * as glibc's elf/dl-lookup.c reads it.
 */
#include "ctl/inject_elf.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX 64u
#define DYNAMIC_MAX 256u
#define NOTES_MAX   4096u
#define CHAIN_MAX   100000u
#define NAME_MAX_   64u

bool ctl_elf_read(int memory, uint64_t address, void *out, size_t bytes)
{
    return pread(memory, out, bytes, (off_t)address) == (ssize_t)bytes;
}

/* Calls VISIT with every program header, until it says true. */
static bool each_header(const struct ctl_elf *elf, bool (*visit)(const Elf64_Phdr *, void *),
                        void *data)
{
    Elf64_Ehdr head;
    Elf64_Phdr part;
    if (!ctl_elf_read(elf->memory, elf->base, &head, sizeof(head)) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_phentsize != sizeof(part) || head.e_phnum > HEADERS_MAX)
        return false;
    for (unsigned i = 0; i < head.e_phnum; i++)
        if (!ctl_elf_read(elf->memory, elf->base + head.e_phoff + i * sizeof(part), &part,
                          sizeof(part)))
            return false;
        else if (visit(&part, data))
            return true;
    return false;
}

/* The loader has put addresses in place of offsets in all but read-only dynamic sections. */
static uint64_t address_of(const struct ctl_elf *elf, uint64_t value)
{
    return value + (value < elf->base ? elf->base : 0);
}

static bool take_dynamic(const Elf64_Phdr *part, void *data)
{
    struct ctl_elf *elf = data;
    if (part->p_type != PT_DYNAMIC)
        return false;
    for (unsigned i = 0; i < DYNAMIC_MAX && i * sizeof(Elf64_Dyn) < part->p_memsz; i++) {
        Elf64_Dyn entry;
        uint64_t at = elf->base + part->p_vaddr + i * sizeof(entry);
        if (!ctl_elf_read(elf->memory, at, &entry, sizeof(entry)) || entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_SYMTAB)
            elf->symbols = address_of(elf, entry.d_un.d_ptr);
        else if (entry.d_tag == DT_STRTAB)
            elf->strings = address_of(elf, entry.d_un.d_ptr);
        else if (entry.d_tag == DT_GNU_HASH)
            elf->hash = address_of(elf, entry.d_un.d_ptr);
    }
    return true;
}

bool ctl_elf_open(struct ctl_elf *elf, int memory, uint64_t base)
{
    *elf = (struct ctl_elf){.memory = memory, .base = base};
    return each_header(elf, take_dynamic, elf) && elf->symbols != 0 && elf->strings != 0 &&
           elf->hash != 0;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;
    for (; *name != '\0'; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* Symbol NUMBER's address if it is a function called NAME, else 0. */
static uint64_t match(const struct ctl_elf *elf, uint32_t number, const char *name)
{
    Elf64_Sym symbol;
    char text[NAME_MAX_] = "";
    size_t len = strlen(name) + 1;
    if (!ctl_elf_read(elf->memory, elf->symbols + number * (uint64_t)sizeof(symbol), &symbol,
                      sizeof(symbol)) ||
        symbol.st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol.st_info) != STT_FUNC ||
        len > sizeof(text) ||
        !ctl_elf_read(elf->memory, elf->strings + symbol.st_name, text, len) ||
        memcmp(text, name, len) != 0)
        return 0;
    return elf->base + symbol.st_value;
}

uint64_t ctl_elf_function(const struct ctl_elf *elf, const char *name)
{
    struct {
        uint32_t buckets, first, bloom_words, shift;
    } head;
    const uint32_t wanted = hash_of(name);
    uint32_t number, hash;
    if (!ctl_elf_read(elf->memory, elf->hash, &head, sizeof(head)) || head.buckets == 0)
        return 0;
    uint64_t bucket = elf->hash + sizeof(head) + head.bloom_words * 8ull;
    uint64_t chain = bucket + head.buckets * 4ull;
    if (!ctl_elf_read(elf->memory, bucket + wanted % head.buckets * 4ull, &number, 4) ||
        number < head.first)
        return 0;
    for (unsigned i = 0; i < CHAIN_MAX; i++, number++) {
        if (!ctl_elf_read(elf->memory, chain + (number - head.first) * 4ull, &hash, 4))
            return 0;
        uint64_t found = (hash | 1) == (wanted | 1) ? match(elf, number, name) : 0;
        if (found != 0 || (hash & 1) != 0)
            return found;
    }
    return 0;
}

/* ---- notes ----------------------------------------------------------------------------------- */

struct search {
    const struct ctl_elf *elf;
    struct spy_attach_note *note;
    uint64_t entry;
};

static bool take_note(const Elf64_Phdr *part, void *data)
{
    struct search *search = data;
    char text[NOTES_MAX];
    if (part->p_type != PT_NOTE || part->p_memsz > sizeof(text) ||
        !ctl_elf_read(search->elf->memory, search->elf->base + part->p_vaddr, text, part->p_memsz))
        return false;
    for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= part->p_memsz;) {
        Elf64_Nhdr head;
        memcpy(&head, text + at, sizeof(head));
        size_t name = at + sizeof(head);
        size_t contents = name + ((size_t)head.n_namesz + 3) / 4 * 4;
        size_t end = contents + ((size_t)head.n_descsz + 3) / 4 * 4;
        if (end > part->p_memsz)
            return false;
        if (head.n_type == SPY_ATTACH_TYPE && head.n_namesz == sizeof(SPY_ATTACH_NOTE) &&
            memcmp(text + name, SPY_ATTACH_NOTE, sizeof(SPY_ATTACH_NOTE)) == 0 &&
            head.n_descsz >= sizeof(*search->note)) {
            memcpy(search->note, text + contents, sizeof(*search->note));
            search->note->version[sizeof(search->note->version) - 1] = '\0';
            search->entry = part->p_vaddr + contents + (uint64_t)search->note->entry;
            return true;
        }
        at = part->p_align > 4 ? (end + 7) / 8 * 8 : end;
    }
    return false;
}

bool ctl_elf_note(const struct ctl_elf *elf, struct spy_attach_note *note, uint64_t *entry)
{
    struct search search = {.elf = elf, .note = note};
    bool found = each_header(elf, take_note, &search);
    *entry = search.entry;
    return found;
}
