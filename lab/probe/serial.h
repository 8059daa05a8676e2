/* The first serial port, on which everything is told. */
#ifndef PROBE_SERIAL_H
#define PROBE_SERIAL_H

/*
 * Prints text; "\n" ends a line.  Knows these conversions only:
 *   %s text   %u unsigned   %x 16 bits as 4 hexadecimal digits
 *   %B PCI address (struct pci_address' value)   %M MAC address (6 bytes)   %I IPv4 address (4 bytes)
 */
void serial_print(const char *format, ...);

#endif
