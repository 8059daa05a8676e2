/* The bare machine: ports, memory, time. */
#ifndef PROBE_MACHINE_H
#define PROBE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_TICKS_PER_SECOND 100u

static inline void port_write8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t port_read8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t port_read32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* The address that a device uses for memory: nothing is paged and there is no IOMMU in the guest. */
static inline uint32_t bus_address(const volatile void *memory)
{
	return (uint32_t)(uintptr_t)memory;
}

/* Orders what was written for a device before the register write that tells it. */
static inline void memory_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

void timer_start(void);
/* Sleeps until the next interrupt: at most one tick. */
void timer_nap(void);
/* Ticks since timer_start; wraps. */
uint32_t timer_now(void);
/* The moment `ticks` from now, for timer_passed. */
uint32_t timer_after(uint32_t ticks);
bool timer_passed(uint32_t moment);
void timer_sleep(uint32_t ticks);

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *memory, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);

#endif
