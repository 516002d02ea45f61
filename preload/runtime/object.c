/* SPDX-License-Identifier: MIT */
/*
 * Reading loaded objects. See object.h. Both kinds of symbol hash are those that the System V ABI
 * (generic part, "Hash Table") and glibc's dl-lookup.c describe.
 */
#include "runtime/object.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#define BLOOM_BITS (8 * sizeof(ElfW(Addr)))

/* ---- the object itself ------------------------------------------------------------------------
 */

/* The loader has put the address in place of the offset in all but read-only dynamic sections. */
static const void *address_of(const struct spy_object *o, ElfW(Addr) value)
{
    return (const void *)(value + (value < o->base ? o->base : 0));
}

static void take_entry(struct spy_object *o, const ElfW(Dyn) * entry)
{
    switch (entry->d_tag) {
    case DT_SYMTAB:
        o->symbol = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_STRTAB:
        o->string = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_HASH:
        o->hash = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_GNU_HASH:
        o->gnu_hash = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_RELA:
        o->table[0] = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_RELASZ:
        o->bytes[0] = entry->d_un.d_val;
        break;
    case DT_JMPREL:
        o->table[1] = address_of(o, entry->d_un.d_ptr);
        break;
    case DT_PLTRELSZ:
        o->bytes[1] = entry->d_un.d_val;
        break;
    default:
        break;
    }
}

bool spy_object_open(struct spy_object *o, const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *entry = NULL;
    *o = (struct spy_object){
        .base = info->dlpi_addr, .part = info->dlpi_phdr, .parts = info->dlpi_phnum};
    for (unsigned i = 0; i < o->parts; i++)
        if (o->part[i].p_type == PT_DYNAMIC)
            entry = (const void *)(o->base + o->part[i].p_vaddr);
    for (; entry != NULL && entry->d_tag != DT_NULL; entry++)
        take_entry(o, entry);
    return o->symbol != NULL && o->string != NULL;
}

bool spy_object_has(const struct spy_object *o, uintptr_t address, ElfW(Word) type)
{
    for (unsigned i = 0; i < o->parts; i++)
        if (o->part[i].p_type == type &&
            address - (o->base + o->part[i].p_vaddr) < o->part[i].p_memsz)
            return true;
    return false;
}

bool spy_object_is_loader(const struct spy_object *o)
{
    return o->base == getauxval(AT_BASE) || o->base == getauxval(AT_SYSINFO_EHDR);
}

/* ---- its functions ----------------------------------------------------------------------------
 */

static bool is_function(const struct spy_object *o, uint32_t i, const char *name)
{
    const ElfW(Sym) *symbol = &o->symbol[i];
    return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
           ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
           strcmp(o->string + symbol->st_name, name) == 0;
}

/* The symbol's number; 0: none. */
static uint32_t by_gnu_hash(const struct spy_object *o, const char *name)
{
    uint32_t buckets = o->gnu_hash[0], first = o->gnu_hash[1], words = o->gnu_hash[2];
    const ElfW(Addr) *bloom = (const void *)(o->gnu_hash + 4);
    const uint32_t *bucket = (const void *)(bloom + words), *chain = bucket + buckets;
    uint32_t hash = 5381;
    for (const char *c = name; *c != '\0'; c++)
        hash = hash * 33 + (unsigned char)*c;
    if (buckets == 0 || words == 0)
        return 0;
    ElfW(Addr) bits = bloom[hash / BLOOM_BITS % words];
    uint32_t i = bucket[hash % buckets];
    if (((bits >> hash % BLOOM_BITS) & (bits >> (hash >> o->gnu_hash[3]) % BLOOM_BITS) & 1) == 0 ||
        i < first)
        return 0;
    do
        if ((chain[i - first] | 1) == (hash | 1) && is_function(o, i, name))
            return i;
    while ((chain[i++ - first] & 1) == 0);
    return 0;
}

static uint32_t by_hash(const struct spy_object *o, const char *name)
{
    uint32_t buckets = o->hash[0], hash = 0;
    const uint32_t *bucket = o->hash + 2, *chain = bucket + buckets;
    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash << 4) + (unsigned char)*c;
        hash = (hash ^ ((hash & 0xf0000000u) >> 24)) & 0x0fffffffu;
    }
    uint32_t i = buckets != 0 ? bucket[hash % buckets] : 0;
    while (i != 0 && !is_function(o, i, name))
        i = chain[i];
    return i;
}

void *spy_object_function(const struct spy_object *o, const char *name)
{
    uint32_t i = 0;
    if (o->gnu_hash != NULL)
        i = by_gnu_hash(o, name);
    else if (o->hash != NULL)
        i = by_hash(o, name);
    return i != 0 ? (void *)(o->base + o->symbol[i].st_value) : NULL;
}
