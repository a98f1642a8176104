# Brings a message in chunks, of any octets: perl net_smtp.pl PORT FROM TO < message
use strict;
use warnings;
use Net::SMTP;

my ($port, $from, $to) = @ARGV;
my $message = do { local $/; <STDIN> };
my $smtp = Net::SMTP->new("localhost", Port => $port, Timeout => 15) or die "no connection: $@";
die "no CHUNKING" unless defined $smtp->supports("CHUNKING") and defined $smtp->supports("BINARYMIME");
$smtp->mail($from, Bits => "binary") or die $smtp->message;
$smtp->to($to) or die $smtp->message;
my $half = int(length($message) / 2);
$smtp->bdat(substr($message, 0, $half)) or die $smtp->message;
$smtp->bdatlast(substr($message, $half)) or die $smtp->message;
print $smtp->code, " ", $smtp->message;
$smtp->quit;
