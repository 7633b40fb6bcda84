# Fetches the subjects of all mail with Ruby's own Net::POP3; the code under test.

require "net/pop"

def subjects(host, port, user, password, ca_file:)
  pop = Net::POP3.new(host, port)
  pop.enable_ssl(OpenSSL::SSL::VERIFY_PEER, ca_file)
  pop.start(user, password) do
    pop.mails.map { |mail| mail.header[/^Subject: (.*?)\r?$/, 1] }
  end
end
