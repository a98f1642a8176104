# Mail::IMAPClient, driven from outside: each line of the input is {"call": method, "args": [...]}, each line of the
# output {"value": [...]}, what the method gave in list context, or {"error": ...}.
#
# Argument: the options of Mail::IMAPClient->new as JSON.
use strict;
use warnings;
use JSON::PP;
use Mail::IMAPClient;

$| = 1;
my $json = JSON::PP->new->latin1->allow_nonref;
my $options = $json->decode($ARGV[0]);
my $client = Mail::IMAPClient->new(%$options);
print $json->encode($client ? { value => [] } : { error => $@ || 'not connected' }), "\n";
exit 1 unless $client;

while (my $line = <STDIN>) {
    my ($call, $args) = @{ $json->decode($line) }{qw(call args)};
    my @value = eval { $client->$call(@$args) };
    my $failed = $@ || (@value && defined $value[0] ? '' : $client->LastError || '');
    print $json->encode($failed ? { error => $failed } : { value => [ map { plain($_) } @value ] }), "\n";
}

sub plain {
    my ($value) = @_;
    return 1 if UNIVERSAL::isa($value, 'Mail::IMAPClient');  # itself, to say that all went well
    return { map { $_ => plain($value->{$_}) } keys %$value } if UNIVERSAL::isa($value, 'HASH');
    return [ map { plain($_) } @$value ] if UNIVERSAL::isa($value, 'ARRAY');
    return $value;
}
