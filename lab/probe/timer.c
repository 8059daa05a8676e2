/* Time: the 8254 interrupts 100 times a second, so that the guest can sleep in between. */
#include "machine.h"

enum {
	VECTORS = 48,
	FIRST_VECTOR = 32, /* of the interrupt controllers' 16 lines */
	CODE_SEGMENT = 8,
	INTERRUPT_GATE = 0x8e00,
	DIVISOR = 11932, /* 1193182 Hz / 100 */
};

struct gate {
	uint16_t low, segment, attributes, high;
};

extern void timer_interrupt(void);
extern void other_interrupt(void);
volatile uint32_t timer_ticks; /* counted by timer_interrupt */
static struct gate gates[VECTORS];

static void set_up_gates(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) table = {sizeof gates - 1, bus_address(gates)};

	for (int i = 0; i < VECTORS; i++) {
		uint32_t handler =
			(uint32_t)(uintptr_t)(i == FIRST_VECTOR ? timer_interrupt : other_interrupt);

		gates[i] = (struct gate){(uint16_t)handler, CODE_SEGMENT, INTERRUPT_GATE,
					 (uint16_t)(handler >> 16)};
	}
	__asm__ volatile("lidt %0" ::"m"(table));
}

/* The two 8259s: vectors, how they are joined, 8086 mode; only the timer's line is let through. */
static void set_up_controllers(void)
{
	port_write8(0x20, 0x11);
	port_write8(0xa0, 0x11);
	port_write8(0x21, FIRST_VECTOR);
	port_write8(0xa1, FIRST_VECTOR + 8);
	port_write8(0x21, 4);
	port_write8(0xa1, 2);
	port_write8(0x21, 1);
	port_write8(0xa1, 1);
	port_write8(0x21, 0xfe);
	port_write8(0xa1, 0xff);
}

void timer_start(void)
{
	set_up_gates();
	set_up_controllers();
	port_write8(0x43, 0x34);
	port_write8(0x40, DIVISOR & 255);
	port_write8(0x40, DIVISOR >> 8);
	__asm__ volatile("sti");
}

void timer_nap(void)
{
	__asm__ volatile("hlt" ::: "memory");
}

uint32_t timer_now(void)
{
	return timer_ticks;
}

uint32_t timer_after(uint32_t ticks)
{
	return timer_ticks + ticks;
}

bool timer_passed(uint32_t moment)
{
	return (int32_t)(timer_ticks - moment) >= 0;
}

void timer_sleep(uint32_t ticks)
{
	uint32_t end = timer_after(ticks);

	while (!timer_passed(end))
		timer_nap();
}
