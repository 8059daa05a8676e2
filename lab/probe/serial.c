/* Printing on the first serial port (16550, polled). */
#include "serial.h"

#include "machine.h"
#include "pci.h"

#include <stdarg.h>

enum {
	PORT = 0x3f8,
	LINE_STATUS = PORT + 5,
	READY = 0x20,
};

static void put(char c)
{
	while (!(port_read8(LINE_STATUS) & READY))
		;
	port_write8(PORT, (uint8_t)c);
}

static void put_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			put('\r');
		put(*text);
	}
}

static void put_hex(uint32_t value, int digits)
{
	while (digits--)
		put("0123456789abcdef"[value >> 4 * digits & 15]);
}

static void put_decimal(uint32_t value)
{
	char digits[10];
	int count = 0;

	do
		digits[count++] = (char)('0' + value % 10);
	while (value /= 10);
	while (count)
		put(digits[--count]);
}

static void put_pci_address(uint32_t address)
{
	put_hex(pci_bus(address), 2);
	put(':');
	put_hex(pci_slot(address), 2);
	put('.');
	put_hex(pci_function(address), 1);
}

static void put_mac(const uint8_t *mac)
{
	for (int i = 0; i < 6; i++) {
		if (i)
			put(':');
		put_hex(mac[i], 2);
	}
}

static void put_ip(const uint8_t *ip)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			put('.');
		put_decimal(ip[i]);
	}
}

void serial_print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	for (; *format; format++) {
		char one[] = {*format, '\0'};

		switch (*format == '%' ? *++format : '\0') {
		case 's':
			put_text(va_arg(arguments, const char *));
			break;
		case 'u':
			put_decimal(va_arg(arguments, uint32_t));
			break;
		case 'x':
			put_hex(va_arg(arguments, uint32_t), 4);
			break;
		case 'B':
			put_pci_address(va_arg(arguments, uint32_t));
			break;
		case 'M':
			put_mac(va_arg(arguments, const uint8_t *));
			break;
		case 'I':
			put_ip(va_arg(arguments, const uint8_t *));
			break;
		default:
			put_text(one);
		}
	}
	va_end(arguments);
}
